import { sizeOf } from "../base/index.ts";
import type { OnnxModel } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { DataSet } from "./data-set.ts";

/** How many images are classified at a time. */
const BATCH = 500;

/** The class that a network finds most likely for each image: the first of the largest entries of its output. */
export async function classify(backend: Backend, model: OnnxModel, { shape, images }: DataSet): Promise<Uint8Array> {
  const size = sizeOf(shape);
  const found: number[] = [];
  const [{ name: input }, { name: output }] = [model.graph.inputs[0]!, model.graph.outputs[0]!];
  const executable = await backend.compile(model);
  try {
    for (let from = 0; from < images.length; from += BATCH * size) {
      const data = images.subarray(from, from + BATCH * size);
      const batch = { type: "float32", shape: [data.length / size, ...shape], data } as const;
      const results = await executable.run({ [input]: batch }, [output]);
      const { data: values, shape: extents } = results[output]!;
      const classes = extents[1]!;
      for (let row = 0; row < extents[0]!; row++) {
        const scores = (values as Float32Array).subarray(row * classes, (row + 1) * classes);
        found.push(scores.indexOf(Math.max(...scores)));
      }
    }
  } finally {
    await executable.release();
  }
  return Uint8Array.from(found);
}

/** The share of images that were classified correctly, in [0, 1]. */
export function accuracy(found: Uint8Array, { labels }: DataSet): number {
  return found.filter((label, i) => label === labels[i]).length / labels.length;
}

/**
 * Wilson's interval: the 95 % confidence interval of a share.
 *
 * @see Wilson 1927
 */
export function wilsonInterval(share: number, count: number): readonly [low: number, high: number] {
  const z2 = 1.959964 ** 2;
  const centre = share + z2 / (2 * count);
  const half = Math.sqrt(z2 * ((share * (1 - share)) / count + z2 / (4 * count * count)));
  return [(centre - half) / (1 + z2 / count), (centre + half) / (1 + z2 / count)];
}
