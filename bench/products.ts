// Cost of a product J·v and Jᵀ·u, in blocks of 32, against one forward pass per image, and of AlexNet's convolutions
// against the matrix peak, all in one run: `npm run bench`. Printed, and written to bench/results/products.json. Products
// are written where the last ones were, as in a search.
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { type Network, openModel } from "../src/apps/node/index.ts";
import { linearize } from "../src/autodiff/index.ts";
import { createRng, gaussianArray, type Rng, sizeOf } from "../src/base/index.ts";
import type { Tap } from "../src/jacobian/index.ts";
import type { Tensor } from "../src/onnx/index.ts";
import { evaluateWith } from "../src/runtime/index.ts";
import { type ConvolutionShares, convolutionShares } from "./convolutions.ts";
import { writeResult } from "./result.ts";
import { interleaved, scaled, type Timing } from "./timing.ts";

type Row = (string | number)[];

const ROWS = 32;
const ROUNDS = 15;
/** Rows at which the convolutions are timed: what AlexNet's products run at once. */
const CONVOLUTION_ROWS = 8;
const folder = process.argv[2] ?? "../shared/data/models";
const cases = [
  { model: "squeezenet1.1.onnx", tap: "logits", convolutions: false },
  { model: "alexnet-trunk.onnx", tap: "pool5", convolutions: true },
];

/** The network up to a tap as it is in the file, but for batches of any size. */
function compileForward({ model, input, backend }: Network, tap: Tap) {
  const { graph } = model.onnx;
  const inputs = [{ name: input.tensor, type: "float32" as const, shape: ["N", ...input.shape] }];
  const outputs = [{ name: tap.tensor, type: "float32" as const, shape: undefined }];
  return backend.compile({ ...model.onnx, graph: { ...graph, inputs, outputs } });
}

/** Milliseconds per image of the forward pass, and per vector of both products. */
async function timeProducts(network: Network, tap: string, rng: Rng) {
  const { input } = network;
  const J = await network.jacobian({ at: gaussianArray(rng, sizeOf(input.shape)), to: tap });
  const target = network.tap(tap);
  const forward = await compileForward(network, target);
  const data = gaussianArray(rng, ROWS * sizeOf(input.shape));
  const images: Tensor = { type: "float32", shape: [ROWS, ...input.shape], data };
  const v = J.algebra.upload(data, ROWS);
  const u = J.algebra.upload(gaussianArray(rng, ROWS * sizeOf(J.target)), ROWS);
  const [tangents, cotangents] = [u, v].map(({ rows, length }) => J.algebra.allocate(rows, length));
  const times = await interleaved(
    {
      forward: () => forward.run({ [input.tensor]: images }, [target.tensor]),
      J: () => J.apply(v, { into: tangents! }),
      Jt: () => J.applyTranspose(u, { into: cotangents! }),
    },
    ROUNDS,
  );
  const [pass, jvp, vjp] = [times.forward, times.J, times.Jt].map((time) => scaled(time, 1 / ROWS));
  return {
    forward: pass!,
    J: jvp!,
    Jt: vjp!,
    ratios: { J: jvp!.median / pass!.median, Jt: vjp!.median / pass!.median },
  };
}

function print(name: string, times: Awaited<ReturnType<typeof timeProducts>>, shares: ConvolutionShares | undefined) {
  const show = ({ median, least, most }: Timing) => `${median.toFixed(2)} ms (${least.toFixed(2)}–${most.toFixed(2)})`;
  const ratio = (value: number) => `${value.toFixed(2)} × the forward pass`;
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  console.log(name);
  console.log(`  forward pass per image  ${show(times.forward)}`);
  console.log(`  J·v per vector          ${show(times.J)}, ${ratio(times.ratios.J)}`);
  console.log(`  Jᵀ·u per vector         ${show(times.Jt)}, ${ratio(times.ratios.Jt)}`);
  if (shares === undefined) return;
  console.log(`  matrix product          ${shares.peak.toFixed(0)} GFLOP/s, ${shares.bestPeak.toFixed(0)} at best`);
  for (const [side, { share, shareOfBest, layers }] of [["J", shares.J] as const, ["Jᵀ", shares.Jt] as const]) {
    const each = layers.map((layer) => percent(layer.share)).join(", ");
    const both = `${percent(share)} of the matrix product (${percent(shareOfBest)} of its best)`;
    console.log(`  convolutions in ${side.padEnd(8)}${both}; layer by layer ${each}`);
  }
}

const tables: { products: Row[]; convolutions: Row[] } = { products: [], convolutions: [] };
console.log(`Blocks of ${ROWS}, median of ${ROUNDS} (range), ${cpus().length} × ${cpus()[0]?.model}`);
for (const { model, tap, convolutions } of cases) {
  const file = `${folder}/${model}`;
  if (!existsSync(file)) {
    console.log(`skipped ${model}: not in ${folder}; name another folder as the first argument`);
    continue;
  }
  const network = await openModel(file);
  const rng = createRng(0, model);
  const times = await timeProducts(network, tap, rng);
  const options = { rows: CONVOLUTION_ROWS, rounds: ROUNDS, rng };
  const ends = { sources: [network.input.tensor], targets: [network.tap(tap).tensor] };
  const linearization = await linearize(network.model, ends, evaluateWith(network.backend));
  const shares = convolutions ? await convolutionShares(linearization, network.backend, options) : undefined;
  print(`${model} → ${tap}`, times, shares);
  const range = ({ median, least, most }: Timing) => `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
  const { forward, J, Jt, ratios } = times;
  tables.products.push([`${model} → ${tap}`, range(forward), range(J), ratios.J, range(Jt), ratios.Jt]);
  for (const [side, of] of shares === undefined ? [] : [["J", shares.J] as const, ["Jᵀ", shares.Jt] as const]) {
    for (const layer of [{ ...of, layer: "all" }, ...of.layers]) {
      tables.convolutions.push([side, layer.layer, layer.gflops, 100 * layer.share, 100 * layer.shareOfBest]);
    }
  }
  await network.close();
}

if (tables.products.length === cases.length) {
  writeResult("products", "npm run bench", [
    {
      title: "A product against a forward pass",
      note: `Milliseconds an image or a vector, in blocks of ${ROWS}: median of ${ROUNDS} rounds, in which all take turns (range).`,
      columns: ["network", "forward pass", "J", "J / forward", "Jᵀ", "Jᵀ / forward"],
      rows: tables.products,
    },
    {
      title: "Convolutions of AlexNet's trunk against the matrix peak",
      note: "Each alone as the products run it; the peak is a product of square float32 matrices in the same rounds.",
      columns: ["product", "layer", "GFLOP/s", "% of the peak", "% of its best round"],
      rows: tables.convolutions,
    },
  ]);
}
