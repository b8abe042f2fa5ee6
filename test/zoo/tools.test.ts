import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Network, openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { checkNetwork } from "../../src/checkup/index.ts";
import { ownOperatorsIn } from "../../src/onnx/index.ts";
import { createWorkplace, type Workplace } from "../apps/workplace.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { hasOnnxRuntime, python, withoutOnnxRuntime } from "../support/python.ts";

const script = fileURLToPath(new URL("tool-files.py", import.meta.url));

/** A file that a tool made of one of the networks. */
interface ToolFile {
  readonly file: string;
  readonly network: string;
  /** How far its J may be from that of the network, relative. */
  readonly within: number;
}

/** The shape of x, and the values of the other inputs. */
const openings = {
  convnet: {},
  encoder: { inputShape: [1, 5, 16], inputs: { mask: { shape: [1, 5], data: BigInt64Array.of(1n, 1n, 1n, 1n, 0n) } } },
  recurrent: { inputShape: [5, 1, 6] },
} as const;

/** J·v of a network at a point, and what a checkup finds of its output. */
async function examined(place: Workplace, file: string, network: string) {
  const opening = openings[network as keyof typeof openings];
  const net: Network = await openModel(place.path(file), { ...opening, quantized: "straight-through", threads: 1 });
  try {
    const at = gaussianArray(createRng("tools"), sizeOf(net.input.shape));
    const { source: from, output: to } = net;
    const { taps } = await checkNetwork(net, { points: [at], from, taps: [to] });
    using J = await net.jacobian({ at });
    const { data } = await J.jvp(gaussianArray(createRng("v"), at.length));
    return {
      check: taps.find(({ tap }) => tap === to)!,
      Jv: data,
      rounds: ownOperatorsIn(net.model.onnx.graph).size > 0,
    };
  } finally {
    await net.close();
  }
}

describe.skipIf(!hasOnnxRuntime())(`files of ONNX Runtime's tools (${withoutOnnxRuntime})`, () => {
  let place: Workplace;
  let files: readonly ToolFile[];
  const own = new Map<string, Float32Array>();
  beforeAll(async () => {
    place = await createWorkplace({});
    const printed = execFileSync(python, ["-W", "ignore", script, place.folder], { encoding: "utf8" });
    files = JSON.parse(printed.trimEnd().split("\n").at(-1)!);
    for (const network of Object.keys(openings))
      own.set(network, (await examined(place, `${network}.onnx`, network)).Jv);
  }, 120_000);
  afterAll(() => place.remove());

  test("J and Jᵀ agree, J is what differences give where nothing rounds, and nearly that of the network before", async () => {
    expect(files).toHaveLength(19);
    for (const { file, network, within } of files) {
      const { check, Jv, rounds } = await examined(place, file, network);
      expect({ file, finding: check.finding }).toEqual({ file, finding: rounds ? "adjoint" : "right" });
      expect(relativeDistance(Jv, own.get(network)!), file).toBeLessThan(within);
    }
  }, 120_000);
});
