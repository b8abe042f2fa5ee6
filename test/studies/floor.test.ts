import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { buildModel, floatTensor, intTensor, node, type OnnxModel, valueInfo } from "../../src/onnx/index.ts";
import { flatTable } from "../../src/studies/control-findings.ts";
import { directionalNoise } from "../../src/studies/directional-noise.ts";
import type { FindingTable, StudyData } from "../../src/studies/index.ts";
import { manifold } from "../../src/studies/manifold.ts";
import { noise } from "../../src/studies/noise.ts";
import { pairs } from "../../src/studies/pairs.ts";
import { spectra } from "../../src/studies/spectra.ts";
import { vectors } from "../../src/studies/vectors.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const RANK = 3;
const K = 8;

/** y = B·(A·x)², a picture of 16 pixels in, 8 numbers out: J = 2·B·diag(A·x)·A has rank 3, and changes with x. */
function lowRank(): OnnxModel {
  const random = (name: string, shape: readonly [number, number]) =>
    floatTensor(shape, gaussianArray(createRng(name), shape[0] * shape[1]));
  return buildModel({
    inputs: [valueInfo("x", "float32", [1, 1, 4, 4])],
    outputs: [valueInfo("y", "float32", [1, 8])],
    nodes: [
      node({ op: "Reshape", inputs: ["x", "flat_shape"], outputs: ["flat"] }),
      node({ op: "MatMul", inputs: ["flat", "a"], outputs: ["three"] }),
      node({ op: "Mul", inputs: ["three", "three"], outputs: ["squares"] }),
      node({ op: "MatMul", inputs: ["squares", "b"], outputs: ["y"] }),
    ],
    initializers: new Map([
      ["flat_shape", intTensor([1, 16])],
      ["a", random("a", [16, RANK])],
      ["b", random("b", [RANK, 8])],
    ]),
  });
}

let opened: Promise<Laboratory> | undefined;
const open = () => {
  opened ??= laboratory({
    model: lowRank(),
    taps: ["y"],
    count: 8,
    k: K,
    vectors: K,
    labels: ["a", "b", "a", "b", "a", "b", "a", "b"],
  });
  return opened;
};
afterAll(async () => (await opened)?.close());

/** A study as earlier versions stored it: without its floors. */
const withoutFloors = ({ values, ...rest }: StudyData): StudyData => ({
  ...rest,
  values: Object.fromEntries(Object.entries(values).filter(([name]) => !name.endsWith("floor"))),
});

function cellOf(table: FindingTable, name: string): number {
  const { columns, rows } = flatTable(table);
  return Number(rows[0]![columns.indexOf(name)]);
}

describe("where J has rank 3 and 8 triplets are computed", () => {
  test("the last five are below the floor, and finished", async () => {
    const { lab } = await open();
    const { status, stopped } = await lab.spectrum(0, 1);
    expect(status).toEqual([...new Array(3).fill("converged"), ...new Array(5).fill("below-floor")]);
    expect(stopped).toBe("all-converged");
  });

  test("spectra: rank, slope and isometry are of the three, curves end there, also of a store without floors", async () => {
    const { lab, study } = await open();
    const now = await study(spectra, { set: ["directions=8"] });
    let slopes = 0;
    let squares = 0;
    for (let image = 0; image < 8; image++) {
      const { sigma } = await lab.spectrum(image, 1);
      const [x, y] = [[0, Math.log(2), Math.log(3)], Array.from(sigma.subarray(0, RANK), Math.log)] as const;
      const middle = (Math.log(2) + Math.log(3)) / 3;
      slopes +=
        x.reduce((sum, at, i) => sum + (at - middle) * y[i]!, 0) / x.reduce((sum, at) => sum + (at - middle) ** 2, 0);
      squares += y.reduce((sum, log) => sum + Math.exp(2 * log), 0) / RANK;
    }
    for (const data of [now, withoutFloors(now)]) {
      const { tables, charts } = spectra.conclude(data, { steps: 100 });
      expect(cellOf(tables[0]!, "numerical_rank")).toBe(RANK);
      expect(cellOf(tables[0]!, "log_slope") / (slopes / 8)).toBeCloseTo(1, 9);
      expect(cellOf(tables[0]!, "isometry_mean") / (squares / 8)).toBeCloseTo(1, 9);
      expect(cellOf(tables[0]!, "below the floor")).toBe(8 * (K - RANK));
      expect(cellOf(tables[0]!, "not converged")).toBe(0);
      for (const chart of charts.filter(({ id }) => id === "spectra" || id === "steps")) {
        expect(chart.panels[0]!.series[0]!.points).toHaveLength(RANK);
        expect(chart.caption).toContain("below the floor");
      }
    }
    const growth = now.values.growth!.data;
    expect(Array.from(growth.subarray(0, 8), Number.isNaN)).toEqual([
      ...new Array(3).fill(false),
      ...new Array(5).fill(true),
    ]);
  });

  test("noise: no σ below the floor is compared or drawn", async () => {
    const { study } = await open();
    const data = await study(noise, { set: ["kinds=gaussian", "gaussian=0.05,0.2", "images=8"] });
    for (const one of [data, withoutFloors(data)]) {
      const { charts, verdicts } = noise.conclude(one, { gaussian: [0.05, 0.2] });
      const drawn = charts.find(({ id }) => id === "spectra")!.panels[0]!.series;
      for (const { points } of drawn) expect(points).toHaveLength(RANK);
      // σ of rounding change by orders of magnitude from one point to another; the three by less than a factor 30.
      const shrinks = verdicts.find(({ on }) => on === "shrinks")!;
      expect(Number(/smallest: −?([\d.]+)/.exec(shrinks.because)![1])).toBeLessThan(3.4);
    }
  });

  test("vectors, pairs and manifold: spans are those of the three", async () => {
    const { study } = await open();
    const { charts } = vectors.conclude(await study(vectors), {});
    const last = charts.find(({ id }) => id === "area")!.panels[0]!.series[0]!.points;
    expect(last.map(({ x }) => x)).toEqual([1, 2, 3]);
    const { energy } = (await study(pairs, { set: ["directions=3,8", "pairs=2"] })).values;
    for (let at = 0; at < energy!.data.length; at += 2) expect(energy!.data[at + 1]).toBe(energy!.data[at]);
    const { chance } = (await study(manifold, { set: ["directions=3,8", "draws=2"] })).values;
    expect(new Set(chance!.data)).toEqual(new Set([RANK / 16]));
  });

  test("directional noise: the last ones are the last of the three, and it is said why they are so few", async () => {
    const { lab, study } = await open();
    const data = await study(directionalNoise, { set: ["directions=2", "draws=1", "amplitudes=1e-3"] });
    expect(new Set(data.values.span!.data)).toEqual(new Set([1]));
    const { sigma } = await lab.spectrum(0, 1);
    const size = Math.hypot(...lab.inputs[0]!.point);
    // Directions: first, middle, last.
    for (const [i, value] of Array.from(sigma.subarray(0, RANK)).entries()) {
      expect(data.values.predicted!.data[i]! / (1e-3 * size * value)).toBeCloseTo(1, 4);
    }
    const [first] = directionalNoise.conclude(data, { directions: 2 }).verdicts;
    expect(first!.claim).toContain("along the first 1 singular vectors moves the output more");
    expect(first!.because).toContain(
      "The spans have fewer than the 2 dimensions asked for, because a span may have at most a third of the vectors computed whose σ is above the floor.",
    );
  });
});

test("cells that are not measured yet count for nothing", async () => {
  const { study } = await open();
  const { values, ...rest } = await study(spectra);
  const half = Object.fromEntries(
    Object.entries(values).map(([name, { data, ...array }]) => {
      const each = data.length / 8;
      return [name, { ...array, data: data.map((value, at) => (at < 4 * each ? value : Number.NaN)) }];
    }),
  );
  const [table] = spectra.conclude({ ...rest, values: half }, { steps: 100 }).tables;
  expect(cellOf(table!, "numerical_rank")).toBe(RANK);
});
