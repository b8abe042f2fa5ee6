import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { adjointGap, relativeDistance } from "../laws/vectors.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";

/** Small against the distance of the nearest kink. The pass is in float64, so that its rounding to float32 leaves three digits. */
const STEP = 2 ** -10;
const DIFFERENCE = 2e-2;

test("a detector of speech, an LSTM in branches of If: J by its state is what differences show", async ({ skip }) => {
  const file = sharedDir === undefined ? "" : sharedPath("data", "models", "silero-vad.onnx");
  skip(!existsSync(file), withoutShared);
  const network = await openModel(file, {
    inputShape: [1, 576],
    inputShapes: { state: [2, 1, 128] },
    inputs: { sr: 16000 },
  });
  try {
    const input = gaussianArray(createRng("x"), 576).map((value) => 0.1 * value);
    const state = gaussianArray(createRng("state"), 256);
    const at = (point: Float32Array) => network.jacobian({ at: { input, state: point }, from: "state", to: "stateN" });
    using J = await at(state);
    const [v, u] = [gaussianArray(createRng("v"), 256), gaussianArray(createRng("u"), J.value.length)];
    const [Jv, Jtu] = [(await J.jvp(v)).data, (await J.vjp(u)).data];
    expect(adjointGap(u, Jv, Jtu, v)).toBeLessThan(1e-6);
    using after = await at(state.map((value, i) => value + STEP * v[i]!));
    using before = await at(state.map((value, i) => value - STEP * v[i]!));
    const difference = after.value.map((value, i) => (value - before.value[i]!) / (2 * STEP));
    expect(relativeDistance(Jv, difference)).toBeLessThan(DIFFERENCE);
  } finally {
    await network.close();
  }
});
