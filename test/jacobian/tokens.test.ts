import { expect, test } from "vitest";
import { Network } from "../../src/jacobian/index.ts";
import { normalize } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { adjointGap, gaussian64, relativeDistance } from "../laws/vectors.ts";
import { llamaOf } from "../reference/llama.ts";
import { sharedDir, withoutShared } from "../support/shared.ts";
import { readStories } from "../support/stories.ts";

/** Differences in float64 leave 1e-9 of rounding and of the curvature; J is in float32. */
const STEP = 1e-5;
const DIFFERENCE = 1e-5;

test("a model of language that reads ids: J from its embeddings to its scores is what differences of its definition show", async ({
  skip,
}) => {
  skip(sharedDir === undefined, withoutShared);
  const { model, ids: all } = await readStories();
  const ids = all.slice(0, 9);
  const backend = createBackend({ threads: 1 });
  const normal = await normalize(model, { evaluate: evaluateWith(backend), inputShape: [1, ids.length] });
  const network = new Network(normal, backend);
  try {
    using J = await network.jacobian({ at: Float32Array.from(ids) });
    expect(network.source).toMatchObject({ name: "embeddings", shape: [ids.length, 64] });
    const llama = llamaOf(model);
    const scoresAt = (step: number, v: Float32Array) => {
      const moved = llama.embed(ids).map((state, token) => state.map((entry, i) => entry + step * v[64 * token + i]!));
      return Float64Array.from(llama.run(moved, 0, llama.blocks).flatMap((state) => [...llama.readOut(state)]));
    };
    const v = Float32Array.from(gaussian64(J.source[0]! * J.source[1]!, "v"));
    const u = Float32Array.from(gaussian64(J.value.length, "u"));
    expect(relativeDistance(J.value, scoresAt(0, v))).toBeLessThan(1e-6);
    const [after, before] = [scoresAt(STEP, v), scoresAt(-STEP, v)];
    const [Jv, Jtu] = [(await J.jvp(v)).data, (await J.vjp(u)).data];
    expect(
      relativeDistance(
        Jv,
        after.map((score, i) => (score - before[i]!) / (2 * STEP)),
      ),
    ).toBeLessThan(DIFFERENCE);
    expect(adjointGap(u, Jv, Jtu, v)).toBeLessThan(1e-6);
  } finally {
    await network.close();
  }
});
