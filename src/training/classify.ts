import { sizeOf } from "../base/index.ts";
import type { OnnxModel } from "../onnx/index.ts";
import type { Backend, Executable } from "../runtime/index.ts";
import { countOf, type DataSet, type LabelledSet } from "./data-set.ts";

/** How many inputs are run at a time. */
const BATCH = 500;

/** The class that a network finds most likely for each input: the first of the largest entries of its output. */
export async function classify(backend: Backend, model: OnnxModel, data: DataSet): Promise<Uint8Array> {
  const found: number[] = [];
  const executable = await backend.compile(model);
  try {
    await inBatches(executable, model, data, (values, rows) => void found.push(...classesOf(values, rows)));
  } finally {
    await executable.release();
  }
  return Uint8Array.from(found);
}

/** Runs a compiled network on inputs, some at a time. `visit` is given its output, for how many inputs it is, and where they begin. */
export async function inBatches(
  executable: Executable,
  { graph }: OnnxModel,
  { shape, inputs }: DataSet,
  visit: (values: Float32Array, rows: number, from: number) => void,
): Promise<void> {
  const size = sizeOf(shape);
  const [{ name: input }, { name: output }] = [graph.inputs[0]!, graph.outputs[0]!];
  for (let from = 0; from < inputs.length; from += BATCH * size) {
    const data = inputs.subarray(from, from + BATCH * size);
    const rows = data.length / size;
    const results = await executable.run({ [input]: { type: "float32", shape: [rows, ...shape], data } }, [output]);
    visit(results[output]!.data as Float32Array, rows, from / size);
  }
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
