import { type Shape, sameShape } from "../base/index.ts";
import { filled, int, text } from "../onnx/index.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { AnyStep, LinearProgram, LinearVar } from "./program.ts";

/** Where the entries of a tangent matter to the targets: a condition of its shape, or everywhere. */
type Wanted = Value | "everywhere";

/**
 * Sets slopes to zero where a later mask or selection discards what they scale. Otherwise an infinite slope in a branch that is
 * not taken (√ at 0 behind Where, log at 0 behind Max) would give NaN as 0 · ∞. The masks of Where, Clip, ReLU and the like, and
 * the selections of pools and maxima, are followed backwards through the operations that move, scale, add and spread entries.
 *
 * Constant factors stay as they are.
 */
export function settleUntaken(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  const discards = ({ op, operands }: AnyStep) =>
    op === "gather" || (op === "scale" && primal.masks.has(operands[0]!.name));
  if (!program.steps.some(discards)) return program;
  const wanted = new Map<number, Wanted>();
  const want = (x: LinearVar, where: Wanted) => {
    const before = wanted.get(x.id);
    const isEverywhere = before === "everywhere" || where === "everywhere";
    wanted.set(x.id, before === undefined ? where : isEverywhere ? "everywhere" : primal.or(before, where));
  };
  for (const target of program.targets) if (target) want(target, "everywhere");
  const steps = [...program.steps].reverse().map((step) => {
    const here = wanted.get(step.output.id) ?? "everywhere";
    for (const x of step.inputs) want(x, before(step, x, here, primal));
    return here === "everywhere" || step.op !== "scale" ? step : settled(step, here, primal);
  });
  return { ...program, steps: steps.reverse() };
}

/** Where an input of a step matters if its output matters `here`. */
function before(step: AnyStep, x: LinearVar, here: Wanted, primal: PrimalBuilder): Wanted {
  const { shape } = step.output;
  if (step.op === "scale") {
    const mask = primal.masks.get(step.operands[0]!.name);
    if (mask === undefined || !sameShape(mask.shape, shape)) return here;
    return here === "everywhere" ? mask : primal.and(here, mask);
  }
  if (step.op === "gather" && x.shape.length === 1) {
    const taken = here === "everywhere" ? primal.constant(filled(shape, 1)) : primal.mask(here);
    const inputs = [primal.constant(filled(x.shape, 0)), primal.valueOf(step.operands[0]!), taken];
    // An entry that is taken twice matters if either place does: the scatter adds.
    const attributes = { axis: int(0), reduction: text("add") };
    return primal.isNonZero(primal.op("ScatterElements", inputs, x.shape, attributes));
  }
  if (here === "everywhere") return here;
  switch (step.op) {
    case "multiply":
    case "add":
      return here;
    case "reshape":
      return primal.reshape(here, x.shape);
    case "transpose":
      return primal.transpose(
        here,
        step.attributes.perm.map((_, axis) => step.attributes.perm.indexOf(axis)),
      );
    case "broadcast":
      return anyOver(here, x.shape, primal);
    case "sum":
      return primal.expand(here, x.shape);
    default:
      return "everywhere";
  }
}

/** Whether any entry that broadcasting makes of an entry is wanted, in the smaller shape. */
function anyOver(here: Value, shape: Shape, primal: PrimalBuilder): Value {
  if (sameShape(here.shape, shape)) return here;
  const lead = here.shape.length - shape.length;
  const axes = here.shape.map((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? axis : -1,
  );
  const spread = axes.filter((axis) => axis >= 0).map((axis) => axis - here.shape.length);
  return primal.isNonZero(primal.reshape(primal.reduce("ReduceMax", primal.mask(here), spread), shape));
}

/** A scaling with its factor set to zero where the result is not wanted. */
function settled(step: AnyStep & { op: "scale" }, here: Value, primal: PrimalBuilder): AnyStep {
  const [operand] = step.operands as [(typeof step.operands)[0]];
  const factor = primal.valueOf(operand);
  if (factor.constant !== undefined || primal.masks.has(operand.name)) return step;
  const kept = primal.where(anyOver(here, factor.shape, primal), factor, primal.scalar(0));
  return { ...step, operands: [primal.keep(kept, primal.kept.get(operand.name)?.of)] };
}
