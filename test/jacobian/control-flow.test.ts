import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import type { Network } from "../../src/jacobian/index.ts";
import { adjointGap, relativeDistance } from "../laws/vectors.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";

/** Small against the distance of the nearest kink. The pass is in float64, so that its rounding to float32 leaves three digits. */
const STEP = 2 ** -10;
const DIFFERENCE = 1e-3;
/** The sizes of what the network reads: samples of sound are smaller than the entries of its state. */
const SIZE: Readonly<Record<string, number>> = { input: 0.1, state: 1 };

describe("a detector of speech, an LSTM in branches of If: J is what differences show", () => {
  const file = sharedDir === undefined ? "" : sharedPath("data", "models", "silero-vad.onnx");
  let network: Network;
  beforeAll(async () => {
    if (!existsSync(file)) return;
    const shapes = { inputShape: [1, 576], inputShapes: { state: [2, 1, 128] } };
    network = await openModel(file, { ...shapes, inputs: { sr: 16000 } });
  });
  afterAll(() => network?.close());

  test.for([
    ["state", "stateN"],
    ["state", "output"],
    ["input", "stateN"],
    ["input", "output"],
  ] as const)("by its %s, to its %s", async ([from, to], { skip }) => {
    skip(!existsSync(file), withoutShared);
    const random = (role: string, count: number) =>
      gaussianArray(createRng(role), count).map((value) => SIZE[role]! * value);
    const point: Record<string, Float32Array> = { input: random("input", 576), state: random("state", 256) };
    const at = (step: number, v: Float32Array) => {
      const moved = point[from]!.map((value, i) => value + step * v[i]!);
      return network.jacobian({ at: { ...point, [from]: moved }, from, to });
    };
    const v = gaussianArray(createRng("v"), point[from]!.length).map((value) => SIZE[from]! * value);
    using J = await at(0, v);
    const u = gaussianArray(createRng("u"), J.value.length);
    const [Jv, Jtu] = [(await J.jvp(v)).data, (await J.vjp(u)).data];
    expect(adjointGap(u, Jv, Jtu, v)).toBeLessThan(1e-6);
    using after = await at(STEP, v);
    using before = await at(-STEP, v);
    const difference = after.value.map((value, i) => (value - before.value[i]!) / (2 * STEP));
    expect(relativeDistance(Jv, difference)).toBeLessThan(DIFFERENCE);
  });
});
