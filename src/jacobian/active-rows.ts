import { evaluate, type Linearization, type LinearProgram, type LinearVar, linearOps } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";
import type { DeviceTensor } from "../runtime/index.ts";

/**
 * The rows of J that are not zero by structure. They are found by running the last entrywise operations of the program on ones, with
 * every factor replaced by 0 if it is zero and by 1 otherwise.
 *
 * `undefined` if the last operation mixes entries, because then the structure does not determine zero rows.
 */
export async function activeRows(
  { program, constants }: Linearization,
  kept: Readonly<Record<string, DeviceTensor>>,
): Promise<Uint32Array | undefined> {
  const tail = entrywiseTail(program);
  if (tail === undefined) return undefined;
  const values = new Map<string, Tensor>();
  for (const { name } of tail.steps.flatMap(({ operands }) => operands)) {
    values.set(name, constants.get(name) ?? (await kept[name]!.read()));
  }
  const [pattern] = evaluate(
    tail,
    ({ name, type }) => {
      const { data } = values.get(name)!;
      const numbers = Float64Array.from(data as ArrayLike<number | bigint>, Number);
      return type === "float32" ? numbers.map((value) => (value === 0 ? 0 : 1)) : numbers;
    },
    tail.sources.map((source) => new Float64Array(sizeOf(source.shape)).fill(1)),
  );
  const active: number[] = [];
  pattern!.forEach((value, row) => {
    if (value !== 0) active.push(row);
  });
  return Uint32Array.from(active);
}

/** The last part of a program, as far as it consists of entrywise operations; `undefined` if it can make no row zero. */
function entrywiseTail({ steps: all, targets }: LinearProgram): LinearProgram | undefined {
  const needed = new Map<number, LinearVar>([[targets[0]!.id, targets[0]!]]);
  const tail = [...all].reverse().filter((step) => {
    if (!needed.has(step.output.id) || !linearOps[step.op].isEntrywise) return false;
    needed.delete(step.output.id);
    for (const input of step.inputs) needed.set(input.id, input);
    return true;
  });
  if (!tail.some((step) => step.op === "scale" || step.op === "pad")) return undefined;
  // A pattern of zeros has no signs, because terms must not cancel.
  const steps = tail.reverse().map((step) => (step.op === "multiply" ? { ...step, attributes: { factor: 1 } } : step));
  return { sources: [...needed.values()], targets, steps };
}
