import { PushforwardError, sizeOf } from "../base/index.ts";
import { linearOps } from "./linear-ops/table.ts";
import type { Definition, LinearOp, LinearProgram, Operand } from "./program.ts";

/**
 * Evaluates a program in float64 for one vector per source, with the direct definition of each operation in the table. It is slow.
 * The tests compare emitted graphs with it.
 *
 * @param rounded what each step gives, as it is to be rounded; as it is, unless stated
 *
 * Shapes: one flat array per source, and one per target; a target that is zero by structure gives an array of length 0.
 *
 * @throws PushforwardError `shape-mismatch` if an input has the wrong length
 */
export function evaluate(
  program: LinearProgram,
  operand: (operand: Operand) => Float64Array,
  inputs: readonly Float64Array[],
  rounded: (entries: Float64Array) => Float64Array = (same) => same,
): Float64Array[] {
  const values = new Map<number, Float64Array>();
  const inner: typeof evaluate = (body, its, given) => evaluate(body, its, given, rounded);
  program.sources.forEach((source, i) => {
    if (inputs[i]?.length !== sizeOf(source.shape)) {
      throw new PushforwardError("shape-mismatch", {
        what: `Source ${i} has ${sizeOf(source.shape)} entries, not ${inputs[i]?.length ?? 0}.`,
      });
    }
    values.set(source.id, inputs[i]);
  });
  for (const step of program.steps) {
    const definition = linearOps[step.op] as Definition<LinearOp>;
    const args = step.inputs.map((input) => values.get(input.id)!);
    values.set(step.output.id, rounded(definition.evaluate(step, args, step.operands.map(operand), inner)));
  }
  return program.targets.map((target) => (target ? values.get(target.id)! : new Float64Array(0)));
}
