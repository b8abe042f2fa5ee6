import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { PushforwardError } from "../../src/base/index.ts";
import type { Network } from "../../src/jacobian/index.ts";

const file = "examples/digits/digits.onnx";
const x = Float32Array.from({ length: 784 }, (_, i) => ((i * 37) % 97) / 97);
let network: Network;
beforeAll(async () => {
  network = await openModel(file);
});
afterAll(() => network.close());

test("what is awaited before each run of a product changes no byte, and what it throws ends a solve", async () => {
  const to = network.tap("relu1");
  using plain = await network.jacobian({ at: x, to });
  let runs = 0;
  let allowed = Number.POSITIVE_INFINITY;
  using pausing = await network.jacobian({
    ...{ at: x, to },
    beforeRun: async () => {
      await new Promise<void>((resolve) => setTimeout(resolve));
      if (++runs > allowed) throw new PushforwardError("interrupted", { what: "Enough." });
    },
  });
  const [expected, found] = [await plain.svd({ k: 4 }), await pausing.svd({ k: 4 })];
  expect(found.sigma).toEqual(expected.sigma);
  expect(found.v).toEqual(expected.v);
  expect(runs).toBeGreaterThan(3);
  allowed = runs + 2;
  await expect(pausing.svd({ k: 4 })).rejects.toMatchObject({ code: "interrupted", what: "Enough." });
  expect(runs).toBe(allowed + 1);
});

test("a compiled pass gives what `forward` and `forwardFrom` give, at one point after another", async () => {
  const [from, to] = [network.tap("relu1"), network.output];
  const whole = await network.forwardPass(network.input, to);
  const half = await network.forwardPass(from, to);
  try {
    for (const point of [x, x.map((value) => value / 2)]) {
      const [inside, expected] = await network.forward(point, [from, to]);
      // The optimized graph and the one that runs once sum in another order.
      const near = (values: Float32Array) => {
        for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected![i]!, 4);
      };
      near(await whole.at(point, point));
      near(await half.at(x, inside!));
    }
  } finally {
    await whole.release();
    await half.release();
  }
});
