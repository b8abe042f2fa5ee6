import { afterAll, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import type { Count } from "../../src/platform/node/cpu-messages.ts";
import { cpuThread } from "../../src/platform/node/cpu-thread.ts";
import { svd } from "../../src/svd/index.ts";

const network = await openModel("examples/digits/digits.onnx");
afterAll(() => network.close());

const held = () => cpuThread().ask<Count>({ do: "count" });

test("a loop over images and all taps holds no more after many than after a few", async () => {
  const rng = createRng("memory");
  const taps = network.taps.filter(({ op }) => op !== "Input");
  const images = async (count: number) => {
    for (let image = 0; image < count; image++) {
      const at = gaussianArray(rng, sizeOf(network.input.shape));
      for (const to of taps) {
        using J = await network.jacobian({ at, to });
        if (image % 10 === 0) await J.svd({ k: 2 });
        await J.vjp(gaussianArray(rng, sizeOf(J.target)));
      }
    }
  };
  await images(2);
  const few = await held();
  await images(30);
  expect(await held()).toEqual(few);
});

test("a solve that fails holds nothing afterwards", async () => {
  using J = await network.jacobian({ at: new Float32Array(sizeOf(network.input.shape)), to: "conv2" });
  const { sessions, tensors } = await held();
  let products = 0;
  const failing = {
    ...J,
    apply: J.apply,
    applyTranspose: (...all: Parameters<typeof J.apply>) => {
      if (++products > 3) throw new Error("no more");
      return J.applyTranspose(...all);
    },
  };
  await expect(svd(failing, { k: 20, method: "krylov" })).rejects.toThrow("no more");
  expect(await held()).toMatchObject({ sessions, tensors });
});

test("a network that is closed holds nothing, and closing it again does no harm", async () => {
  const before = await held();
  const other = await openModel("examples/digits/digits.onnx");
  using J = await other.jacobian({ at: new Float32Array(sizeOf(other.input.shape)) });
  await J.svd({ k: 3 });
  expect((await held()).sessions).toBeGreaterThan(before.sessions);
  J.dispose();
  await other.close();
  await other.close();
  expect(await held()).toEqual(before);
});
