// Cost of a product J·v and Jᵀ·u, in blocks of 32, against one forward pass per image, all in one run: `npm run bench`.
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { openModel } from "../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../src/base/index.ts";
import type { Tensor } from "../src/onnx/index.ts";
import { block } from "../src/operator/index.ts";

const ROWS = 32;
const REPEATS = 7;
const folder = process.argv[2] ?? "../shared/data/models";
const cases = [
  { model: "squeezenet1.1.onnx", tap: "logits" },
  { model: "alexnet-trunk.onnx", tap: "pool5" },
];

interface Timing {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Times jobs in turn, so that a slow moment of the machine meets all of them; the first round only warms up. */
async function interleaved(jobs: Readonly<Record<string, () => Promise<unknown>>>): Promise<Record<string, Timing>> {
  const times: Record<string, number[]> = {};
  for (let round = 0; round <= REPEATS; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const started = performance.now();
      await job();
      if (round === 0) continue;
      times[name] = [...(times[name] ?? []), (performance.now() - started) / ROWS];
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => {
      const sorted = all.sort((a, b) => a - b);
      return [name, { median: sorted[sorted.length >> 1]!, least: sorted[0]!, most: sorted.at(-1)! }];
    }),
  );
}

for (const { model, tap } of cases) {
  const file = `${folder}/${model}`;
  if (!existsSync(file)) {
    console.log(`skipped ${model}: not in ${folder}; name another folder as the first argument`);
    continue;
  }
  const network = await openModel(file);
  const rng = createRng(0, model);
  const point = gaussianArray(rng, sizeOf(network.input.shape));
  const J = await network.jacobian({ at: point, to: tap });
  const { graph } = network.model.onnx;
  const output = network.tap(tap).tensor;
  const batched = (name: string) => ({ name, type: "float32" as const, shape: ["N", ...network.input.shape] });
  const forward = await network.backend.compile({
    ...network.model.onnx,
    graph: {
      ...graph,
      inputs: [batched(network.input.tensor)],
      outputs: [{ name: output, type: "float32", shape: undefined }],
    },
  });
  const images: Tensor = {
    type: "float32",
    shape: [ROWS, ...network.input.shape],
    data: gaussianArray(rng, ROWS * point.length),
  };
  const v = block(images.data as Float32Array, ROWS);
  const u = block(gaussianArray(rng, ROWS * sizeOf(J.target)), ROWS);
  const { forward: base, ...products } = await interleaved({
    forward: () => forward.run({ [network.input.tensor]: images }, [output]),
    J: () => J.apply(v),
    Jt: () => J.applyTranspose(u),
  });
  const show = ({ median, least, most }: Timing) => `${median.toFixed(2)} ms (${least.toFixed(2)}–${most.toFixed(2)})`;
  console.log(
    `${model} → ${tap}, blocks of ${ROWS}, median of ${REPEATS} (range), ${cpus().length} × ${cpus()[0]?.model}`,
  );
  console.log(`  forward pass per image  ${show(base!)}`);
  for (const [name, timing] of Object.entries(products)) {
    const ratio = (timing.median / base!.median).toFixed(2);
    console.log(
      `  ${name === "J" ? "J·v per vector " : "Jᵀ·u per vector"}         ${show(timing)}, ${ratio} × the forward pass`,
    );
  }
  await network.close();
}
