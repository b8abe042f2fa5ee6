import { sameShape, sizeOf } from "../base/index.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { AnyStep, LinearProgram } from "./program.ts";

/**
 * Makes slopes zero where a later mask discards what they scale, so that an infinite slope in a branch that is not taken
 * (√ at 0 behind Where, log at 0 behind Max) leaves no NaN as 0 · ∞. The masks are those of Where, Clip, ReLU and the like;
 * they are followed backwards through operations entry by entry.
 *
 * Factors that are constant, and those that are broadcast, stay as they are.
 */
export function settleUntaken(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  if (!program.steps.some(({ op, operands }) => op === "scale" && primal.masks.has(operands[0]!.name))) return program;
  /** Where the entries of a tangent matter, by its id; everywhere where it says so. */
  const wanted = new Map<number, Value | "everywhere">();
  const want = (id: number, where: Value | "everywhere") => {
    const before = wanted.get(id);
    if (before === undefined) wanted.set(id, where);
    else wanted.set(id, before === "everywhere" || where === "everywhere" ? "everywhere" : primal.or(before, where));
  };
  for (const target of program.targets) if (target) want(target.id, "everywhere");
  const steps = [...program.steps].reverse().map((step): AnyStep => {
    const here = wanted.get(step.output.id) ?? "everywhere";
    const pass = (where: Value | "everywhere") => {
      for (const x of step.inputs) want(x.id, sizeOf(x.shape) === sizeOf(step.output.shape) ? where : "everywhere");
    };
    switch (step.op) {
      case "scale": {
        const [operand] = step.operands as [(typeof step.operands)[0]];
        const mask = primal.masks.get(operand.name);
        if (mask !== undefined && sameShape(mask.shape, step.output.shape)) {
          pass(here === "everywhere" ? mask : primal.and(here, mask));
          return step;
        }
        pass(here);
        const factor = primal.valueOf(operand);
        const stays = here === "everywhere" || factor.constant !== undefined;
        if (stays || !sameShape(factor.shape, step.output.shape)) return step;
        const settled = primal.where(here, factor, primal.scalar(0));
        return { ...step, operands: [primal.keep(settled, primal.kept.get(operand.name)?.of)] };
      }
      case "multiply":
      case "add":
        pass(here);
        return step;
      case "reshape":
        pass(here === "everywhere" ? here : primal.reshape(here, step.inputs[0]!.shape));
        return step;
      case "transpose":
        pass(here === "everywhere" ? here : primal.transpose(here, inverse(step.attributes.perm)));
        return step;
      default:
        pass("everywhere");
        return step;
    }
  });
  return { ...program, steps: steps.reverse() };
}

const inverse = (perm: readonly number[]) => perm.map((_, axis) => perm.indexOf(axis));
