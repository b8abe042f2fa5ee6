import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** Public names of the rooms that have no index.test.ts of their own. A name that changes here changes for a user. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  autodiff: [
    "constant",
    "emit",
    "evaluate",
    "formatProgram",
    "formatUnsupported",
    "inFloat64",
    "keptFamilies",
    "linearOps",
    "linearize",
    "nodesBetween",
    "operatorOf",
    "reachOf",
    "transpose",
    "unsupportedBetween",
  ],
  base: [
    "PushforwardError",
    "boundOf",
    "broadcastShapes",
    "createRng",
    "exitCodes",
    "formatBytes",
    "formatCount",
    "formatNumber",
    "formatRange",
    "formatSeconds",
    "formatShape",
    "formatShare",
    "gaussianArray",
    "isBelowFloor",
    "messageOf",
    "nearestNames",
    "plural",
    "powerOfTen",
    "printable",
    "quoted",
    "sameShape",
    "sizeOf",
    "stridesOf",
    "subscript",
    "tableOf",
    "typeset",
    "withoutBatch",
  ],
  caffe: ["importCaffe", "presetOf", "readMeanImage"],
  checkup: ["checkNetwork", "failingPart"],
  controls: ["controlKinds", "drawControl", "weightLayers"],
  jacobian: ["Jacobian", "Network", "describeInput", "exportDerivative", "inputsOf", "missingError", "productCost"],
  runtime: [
    "Block",
    "CompiledCache",
    "HostTensor",
    "Workspace",
    "believed",
    "blockOf",
    "createAlgebra",
    "evaluateWith",
  ],
  operator: [
    "compose",
    "denseMatrix",
    "dotTest",
    "sliceSource",
    "sliceTarget",
    "sourceSize",
    "sum",
    "targetSize",
    "toDense",
    "transposeOf",
    "unitRows",
  ],
  studies: [
    "FEWEST_DRAWS",
    "FEWEST_IMAGES",
    "Forecast",
    "Lab",
    "cellName",
    "cellPlaces",
    "claims",
    "claimsTable",
    "flatTable",
    "paperStudies",
    "paramsOf",
    "ranked",
    "readStudy",
    "reasonOf",
    "runStudy",
    "spectrum",
    "studies",
    "timeOf",
    "timeOfWork",
    "toldBriefly",
    "tripletsAt",
    "withControls",
  ],
  svd: ["COUNTED_WITHIN", "counted", "measuredSpeed", "rehearse", "svd", "symmetricEigen"],
  "apps/node": [
    "ControlNetwork",
    "Jacobian",
    "Network",
    "PushforwardError",
    "compose",
    "controlKinds",
    "dotTest",
    "exportDerivative",
    "loadInput",
    "openControl",
    "openModel",
    "parsePreset",
    "presets",
    "sliceSource",
    "sliceTarget",
    "sum",
    "svd",
    "transposeOf",
  ],
  "apps/report": ["renderCheckup", "renderFigures", "renderReport", "renderStudies"],
};

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const indexed = ["", "apps/"].flatMap((within) =>
  readdirSync(at(`src/${within}`))
    .map((room) => within + room)
    .filter((room) => existsSync(at(`src/${room}/index.ts`))),
);

describe("public names", () => {
  test.each(Object.entries(rooms))("%s", async (room, names) => {
    expect(Object.keys(await import(at(`src/${room}/index.ts`))).sort()).toEqual(names);
  });

  test("are pinned for every room", () => {
    const pinned = (room: string) => room in rooms || existsSync(at(`test/${room}/index.test.ts`));
    expect(indexed.filter((room) => !pinned(room))).toEqual([]);
  });
});
