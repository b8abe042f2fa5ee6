import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import type { RunManifest, UnitResult } from "../../src/results/index.ts";
import { spectrum } from "../../src/studies/index.ts";
import { faulty, scale } from "../support/faulty-device.ts";

const digits = fileURLToPath(new URL("../../examples/digits/digits.onnx", import.meta.url));

test("a device that computes J wrongly by a factor, as Jᵀ too: σ is that of the CPU, and the unit says so", async () => {
  const onCpu = await openModel(digits, { threads: 1 });
  // Both products by the same factor: J and Jᵀ stay adjoint, and no certificate can see it.
  const { backend, told } = faulty({
    spoil: (y, _run, { graph }) => {
      if (/^J/.test(graph.name)) scale(y, 1.01);
    },
  });
  const wrong = new Network(onCpu.model, backend);
  const [from, to] = [onCpu.input, onCpu.tap("pool2")];
  const point = gaussianArray(createRng(0, "point"), sizeOf(from.shape)).map(Math.abs);
  const manifest = {
    from: { name: from.name, tensor: from.tensor, shape: from.shape },
    taps: [{ name: to.name, tensor: to.tensor, shape: to.shape, k: 4 }],
    ...{ tol: 1e-5, seed: 0, vectors: 0 },
  } as unknown as RunManifest;
  const unitOf = async (network: Network): Promise<UnitResult> => {
    const units: UnitResult[] = [];
    const store = {
      manifest,
      isDone: () => false,
      writeUnit: async (_input: number, _tap: number, unit: UnitResult) => void units.push(unit),
      failUnit: async () => undefined,
    };
    await spectrum(store, network, [point]);
    return units[0]!;
  };
  const [expected, found] = [await unitOf(onCpu), await unitOf(wrong)];
  for (const [i, value] of expected.sigma.entries()) {
    const certified = expected.residual[i]! + found.residual[i]! + expected.floor + found.floor;
    expect(Math.abs(found.sigma[i]! - value)).toBeLessThanOrEqual(certified);
  }
  const sentences = ["J", "Jᵀ"].map(
    (product) => `The device webgpu computes ${product}(image → pool2) wrongly; it is computed on the CPU.`,
  );
  expect([...found.onCpu!].sort()).toEqual(sentences);
  expect([...told].sort()).toEqual(sentences);
  expect(expected.onCpu).toBeUndefined();
  await wrong.close();
  await onCpu.close();
});
