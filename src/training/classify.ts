import { sizeOf } from "../base/index.ts";
import type { OnnxModel } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import { countOf, type DataSet, type LabelledSet } from "./data-set.ts";

/** How many inputs are classified at a time. */
const BATCH = 500;

/** The class that a network finds most likely for each input: the first of the largest entries of its output. */
export async function classify(backend: Backend, model: OnnxModel, { shape, inputs }: DataSet): Promise<Uint8Array> {
  const size = sizeOf(shape);
  const found: number[] = [];
  const [{ name: input }, { name: output }] = [model.graph.inputs[0]!, model.graph.outputs[0]!];
  const executable = await backend.compile(model);
  try {
    for (let from = 0; from < inputs.length; from += BATCH * size) {
      const data = inputs.subarray(from, from + BATCH * size);
      const batch = { type: "float32", shape: [data.length / size, ...shape], data } as const;
      const results = await executable.run({ [input]: batch }, [output]);
      const { data: values, shape: extents } = results[output]!;
      found.push(...classesOf(values as Float32Array, extents[0]!));
    }
  } finally {
    await executable.release();
  }
  return Uint8Array.from(found);
}

/** The first of the largest entries of each row. */
export function classesOf(values: Float32Array, rows: number): number[] {
  const size = values.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const scores = values.subarray(row * size, (row + 1) * size);
    return scores.indexOf(Math.max(...scores));
  });
}

/** The share of examples that were classified correctly, in [0, 1]. */
export function accuracy(found: Uint8Array, data: LabelledSet): number {
  const { labels } = data.targets;
  return found.filter((label, i) => label === labels[i]).length / countOf(data);
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
