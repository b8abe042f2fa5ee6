import { type Shape, sameShape } from "../base/index.ts";
import { int, text, toNumbers } from "../onnx/index.ts";
import { aliveEntries } from "./alive.ts";
import { withExtent } from "./linear-ops/indexing.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { AnyStep, LinearProgram, LinearVar, OpAttributes, Operand } from "./program.ts";

/** Which entries of a tangent matter to the targets: a condition of the tangent's shape, or all entries. */
type Wanted = Value | "everywhere";

/** What one step wants of a tangent; of a slice that matters everywhere, its place. */
type Claim = Wanted | OpAttributes["slice"];

/**
 * Sets slopes to zero where the tangent that they scale is zero by structure, and where a later mask or selection discards the
 * result. Otherwise an infinite slope would give NaN there, as 0 · ∞: √ at 0 before a Where, log at 0 before a Max, or the arc
 * cosine of an entry that Clip limits to 1. The masks of Where, Clip, ReLU and similar operators, the zeros of constant factors,
 * and the selections of pools, maxima and slices are followed in both directions, through operations that move, scale, add and
 * broadcast entries.
 *
 * Constant factors do not change.
 */
export function settleUntaken(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  const known = new Map<string, Value | undefined>();
  const maskOf = (operand: Operand) => {
    if (!known.has(operand.name)) known.set(operand.name, structuralMask(primal, operand));
    return known.get(operand.name);
  };
  const stops = ({ op, operands }: AnyStep) =>
    op === "gather" || op === "slice" || (op === "scale" && maskOf(operands[0]!) !== undefined);
  if (!program.steps.some(stops)) return program;
  const makers = new Map(program.steps.map((step) => [step.output.id, step]));
  const aliveAt = aliveEntries(primal, (x) => makers.get(x.id), maskOf);
  const claims = new Map<number, Claim[]>();
  const claim = (x: LinearVar, one: Claim) => {
    const known = claims.get(x.id);
    if (known) known.push(one);
    else claims.set(x.id, [one]);
  };
  for (const target of program.targets) if (target) claim(target, "everywhere");
  const steps = [...program.steps].reverse().map((step) => {
    const here = wantedOf(step.output, claims.get(step.output.id) ?? ["everywhere"], primal);
    let start = 0;
    for (const x of step.inputs) {
      if (step.op === "concat") claim(x, part(step, x, start, here, primal));
      else if (step.op === "slice" && here === "everywhere") claim(x, step.attributes);
      else claim(x, before(step, x, here, primal, maskOf));
      if (step.op === "concat") start += x.shape.at(step.attributes.axis)!;
    }
    if (step.op !== "scale") return step;
    const alive = aliveAt(step.inputs[0]);
    const matters = here === "everywhere" ? alive : alive === undefined ? here : primal.and(alive, here);
    return matters === undefined ? step : settled(step, matters, primal);
  });
  return { ...program, steps: steps.reverse() };
}

/** What all steps together want of a tangent. */
function wantedOf({ shape }: LinearVar, claims: readonly Claim[], primal: PrimalBuilder): Wanted {
  const slices = claims.filter(isPlace);
  const partly = claims.filter((one) => one !== "everywhere");
  if (partly.length < claims.length || slices.some(({ axis }) => cover(slices, axis, shape))) return "everywhere";
  const conditions = partly.map((one): Value => {
    if (!isPlace(one)) return one;
    const { axis, start, size } = one;
    const taken = primal.expand(primal.scalar(1), withExtent(shape, axis, size));
    return primal.isNonZero(primal.padAxis(taken, axis, start, shape.at(axis)! - start - size));
  });
  return conditions.reduce((all, one) => primal.or(all, one));
}

const isPlace = (one: Claim): one is OpAttributes["slice"] => one !== "everywhere" && "size" in one;

/** Whether the slices along an axis contain all entries of a tensor together. */
function cover(slices: readonly OpAttributes["slice"][], axis: number, shape: Shape): boolean {
  const along = slices.filter((one) => one.axis === axis).sort((a, b) => a.start - b.start);
  return (
    along.reduce((end, { start, size }) => (start > end ? end : Math.max(end, start + size)), 0) === shape.at(axis)
  );
}

/** Which entries of a factor are not zero by structure. The factor is a mask, or a constant that contains zeros. */
function structuralMask(primal: PrimalBuilder, operand: Operand): Value | undefined {
  const mask = primal.masks.get(operand.name);
  const { constant } = primal.valueOf(operand);
  if (mask !== undefined || constant === undefined) return mask;
  const numbers = toNumbers(constant);
  if (!numbers.includes(0)) return undefined;
  const data = Uint8Array.from(numbers, (factor) => Number(factor !== 0));
  return primal.constant({ type: "bool", shape: operand.shape, data });
}

/** Which entries of a step's input matter if those of its output matter `here`. The step is not a concatenation. */
function before(
  step: AnyStep,
  x: LinearVar,
  here: Wanted,
  primal: PrimalBuilder,
  maskOf: (operand: Operand) => Value | undefined,
): Wanted {
  const { shape } = step.output;
  switch (step.op) {
    case "scale": {
      const mask = maskOf(step.operands[0]!);
      if (mask === undefined) return here;
      const passes = primal.expand(mask, shape);
      return here === "everywhere" ? passes : primal.and(here, passes);
    }
    case "gather":
      return scattered(primal, x.shape, step.attributes.axis, primal.valueOf(step.operands[0]!), here, shape);
    default:
  }
  if (here === "everywhere") return here;
  switch (step.op) {
    case "slice": {
      const { axis, start, size } = step.attributes;
      return primal.isNonZero(primal.padAxis(primal.mask(here), axis, start, x.shape.at(axis)! - start - size));
    }
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
    case "pad":
      return primal.sliceAxis(here, step.attributes.axis, step.attributes.before, x.shape.at(step.attributes.axis)!);
    case "broadcast":
      return anyOver(here, x.shape, primal);
    case "sum":
      return primal.expand(here, x.shape);
    default:
      return "everywhere";
  }
}

/**
 * Which entries of one part of a concatenation matter if those of the whole matter `here`. The part begins at `start`.
 */
const part = (
  { attributes: { axis } }: AnyStep & { op: "concat" },
  x: LinearVar,
  start: number,
  here: Wanted,
  primal: PrimalBuilder,
): Wanted => (here === "everywhere" ? here : primal.sliceAxis(here, axis, start, x.shape.at(axis)!));

/** Which entries of a tensor are gathered, by indices along an axis, to places that matter `here`. */
function scattered(
  primal: PrimalBuilder,
  shape: Shape,
  axis: number,
  indices: Value,
  here: Wanted,
  taken: Shape,
): Value {
  const along = taken.map((extent, i) => (i === taken.length + axis ? extent : 1));
  const places = primal.expand(primal.reshape(indices, along), taken);
  const matters = here === "everywhere" ? primal.expand(primal.scalar(1), taken) : primal.mask(here);
  // An entry that is gathered twice matters if one of the two places does, because the scatter adds.
  const attributes = { axis: int(axis), reduction: text("add") };
  const inputs = [primal.expand(primal.scalar(0), shape), places, matters];
  return primal.isNonZero(primal.op("ScatterElements", inputs, shape, attributes));
}

/** For each entry of the smaller shape: whether broadcasting copies it to any place that is wanted. */
function anyOver(here: Value, shape: Shape, primal: PrimalBuilder): Value {
  if (sameShape(here.shape, shape)) return here;
  const lead = here.shape.length - shape.length;
  const axes = here.shape.map((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? axis : -1,
  );
  const spread = axes.filter((axis) => axis >= 0).map((axis) => axis - here.shape.length);
  return primal.isNonZero(primal.reshape(primal.reduce("ReduceMax", primal.mask(here), spread), shape));
}

/** The scaling, with its factor set to zero where the result does not matter. */
function settled(step: AnyStep & { op: "scale" }, here: Value, primal: PrimalBuilder): AnyStep {
  const [operand] = step.operands as [(typeof step.operands)[0]];
  const factor = primal.valueOf(operand);
  if (factor.constant !== undefined || primal.masks.has(operand.name)) return step;
  const kept = primal.where(anyOver(here, factor.shape, primal), factor, primal.scalar(0));
  return { ...step, operands: [primal.keep(kept, primal.kept.get(operand.name)?.of)] };
}
