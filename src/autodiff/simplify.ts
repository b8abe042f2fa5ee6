import { sameShape, sizeOf } from "../base/index.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { AnyStep, LinearProgram, LinearVar, Operand, Step } from "./program.ts";

/**
 * Lets a factor wait until after the selection that follows it: gather(reshape(m ∘ x)) becomes m′ ∘ gather(reshape(x)) with
 * m′ = gather(m), computed in the primal pass. A ReLU before a max pool then costs a product with the pool's output, not
 * with its larger input, and in the transpose likewise.
 *
 * The result is the same to the last bit.
 */
export function scaleAfterGather(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  const makers = new Map(program.steps.map((step) => [step.output.id, step]));
  const uses = new Map<number, number>();
  for (const x of [...program.steps.flatMap((step) => step.inputs), ...program.targets]) {
    if (x !== undefined) uses.set(x.id, (uses.get(x.id) ?? 0) + 1);
  }
  const makerOf = (x: LinearVar) => (uses.get(x.id) === 1 ? makers.get(x.id) : undefined);
  const replaced = new Map<AnyStep, AnyStep>();
  for (const selection of program.steps) {
    if (selection.op !== "gather") continue;
    const flattening = makerOf(selection.inputs[0]!);
    if (flattening?.op !== "reshape" || flattening.output.shape.length !== 1) continue;
    const scaling = makerOf(flattening.inputs[0]!);
    if (scaling?.op !== "scale" || !sameShape(scaling.operands[0]!.shape, scaling.output.shape)) continue;
    const [flat, selected] = [flattening.output, { ...scaling.output, shape: selection.output.shape }];
    const factor = selectedFactor(primal, scaling.operands[0]!, selection.operands[0]!);
    replaced.set(scaling, { ...flattening, inputs: scaling.inputs, output: flat } satisfies Step<"reshape">);
    replaced.set(flattening, { ...selection, inputs: [flat], output: selected } satisfies Step<"gather">);
    replaced.set(selection, {
      ...scaling,
      inputs: [selected],
      operands: [factor],
      output: selection.output,
    } satisfies Step<"scale">);
  }
  return { ...program, steps: program.steps.map((step) => replaced.get(step) ?? step) };
}

function selectedFactor(primal: PrimalBuilder, factor: Operand, indices: Operand): Operand {
  const value = (operand: Operand): Value => ({ ...operand, constant: primal.constants.get(operand.name) });
  const flat = primal.reshape(value(factor), [sizeOf(factor.shape)]);
  return primal.keep(primal.op("Gather", [flat, value(indices)], indices.shape));
}
