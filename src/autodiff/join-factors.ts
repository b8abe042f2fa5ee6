import { broadcastShapes, type Shape, sizeOf } from "../base/index.ts";
import { int } from "../onnx/index.ts";
import { ProgramBuilder } from "./builder.ts";
import { withExtent } from "./linear-ops/indexing.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { AnyStep, LinearProgram, LinearVar, Operand, Tangent } from "./program.ts";

/** A range of an axis. */
interface Part {
  readonly axis: number;
  readonly start: number;
  readonly size: number;
}

/** A factor of a view: an operand, or the part of it that the view has. */
interface Factor {
  readonly operand: Operand;
  readonly part: Part | undefined;
}

/** A tangent as number · factors ∘ part of another. */
interface View {
  readonly of: LinearVar;
  readonly part: Part | undefined;
  readonly factors: readonly Factor[];
  readonly number: number;
}

/** Views of one tangent that lie side by side, each with a factor. */
interface Row {
  readonly of: LinearVar;
  readonly part: Part;
  readonly views: readonly View[];
}

/**
 * Joins factors that follow one another, also with slices between: a ∘ (b ∘ x) becomes (ab) ∘ x, where the primal pass computes ab. Slices
 * of one tangent that lie side by side, each with a factor, are scaled together before they are cut out: a step of an LSTM scales its
 * four gates at once. Factors that other steps need too stay apart, so that no more is kept than before.
 *
 * The result is the same but for the rounding of ab.
 */
export function joinFactors(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  const { views, written } = viewsOf(program);
  const rows = rowsOf([...views.values()]);
  const l = new ProgramBuilder();
  const made = new Map<number, Tangent>(program.sources.map((x) => [x.id, l.source(x.shape)]));
  const once = new Map<string | Row, Tangent>();
  const shared = (key: string | Row, make: () => Tangent): Tangent => {
    if (!once.has(key)) once.set(key, make());
    return once.get(key);
  };
  const cut = (x: Tangent, part: Part | undefined): Tangent => {
    if (x === undefined || part === undefined) return x;
    const { axis, start, size } = part;
    return shared(`${x.id}: ${axis} ${start} ${size}`, () => l.slice(x, axis, start, size));
  };
  const write = (view: View): Tangent => {
    const row = rows.get(view);
    if (row !== undefined) {
      const whole = shared(row, () => l.scale(joined(row, primal), cut(made.get(row.of.id), row.part)));
      return cut(whole, { ...view.part!, start: view.part!.start - row.part.start });
    }
    const x = cut(made.get(view.of.id), view.part);
    return view.factors.length === 0 ? l.multiply(view.number, x) : l.scale(product(view, primal), x);
  };
  for (const step of written) {
    const view = views.get(step.output.id);
    const inputs = step.inputs.map((x) => made.get(x.id)!);
    made.set(step.output.id, view === undefined ? l.again(step, inputs) : write(view));
  }
  return l.finish(program.targets.map((target) => target && made.get(target.id)));
}

type ViewStep = AnyStep & { readonly op: "scale" | "multiply" | "slice" };

const isView = (step: AnyStep): step is ViewStep =>
  step.op === "scale" || step.op === "multiply" || step.op === "slice";

/**
 * The steps to write, and those of them that are views. Not written are views that only other views are made of; a view that is written
 * is none for what comes after it.
 */
function viewsOf({ steps, targets }: LinearProgram): { views: Map<number, View>; written: readonly AnyStep[] } {
  const uses = new Map<string, number>();
  for (const { operands } of steps) for (const { name } of operands) uses.set(name, (uses.get(name) ?? 0) + 1);
  const isShared = ({ name }: Operand) => uses.get(name)! > 1;
  const users = steps.filter((step) => !isView(step)).flatMap(({ inputs }) => inputs);
  const ends = new Set([...users, ...targets].flatMap((x) => x?.id ?? []));
  const views = new Map<number, View>();
  for (const step of steps.filter(isView)) {
    const x = step.inputs[0]!;
    const own: View = { of: x, part: undefined, factors: [], number: 1 };
    const through = ends.has(x.id) ? undefined : views.get(x.id);
    const joint = through && extended(through, step);
    if (joint !== undefined && keepsNoMore(joint, isShared)) views.set(step.output.id, joint);
    else {
      ends.add(x.id);
      views.set(step.output.id, extended(own, step)!);
    }
  }
  const written = steps.filter((step) => !isView(step) || ends.has(step.output.id));
  return { views: new Map([...views].filter(([id]) => ends.has(id))), written };
}

/** The view behind another step; `undefined` if it would be a slice along two axes. */
function extended(view: View, step: ViewStep): View | undefined {
  switch (step.op) {
    case "multiply":
      return { ...view, number: view.number * step.attributes.factor };
    case "scale":
      return { ...view, factors: [...view.factors, { operand: step.operands[0]!, part: undefined }] };
    case "slice": {
      if (view.part !== undefined && view.part.axis !== step.attributes.axis) return undefined;
      const isSpread = ({ operand: { shape } }: Factor) => (shape.at(step.attributes.axis) ?? 1) === 1;
      const factors = view.factors.map(
        (factor): Factor => (isSpread(factor) ? factor : { ...factor, part: within(factor.part, step.attributes) }),
      );
      return { ...view, part: within(view.part, step.attributes), factors };
    }
  }
}

const within = (outer: Part | undefined, { axis, start, size }: Part): Part => ({
  axis,
  start: (outer?.start ?? 0) + start,
  size,
});

/** Whether the joint factor of a view is no larger than those that it replaces. */
function keepsNoMore(view: View, isShared: (operand: Operand) => boolean): boolean {
  const replaced = view.factors.filter(({ operand }) => !isShared(operand));
  const isOne = view.factors.length === 0 || (view.number === 1 && view.factors.length === 1 && !view.factors[0]!.part);
  return isOne || sizeOf(shapeOf(view)) <= replaced.reduce((sum, factor) => sum + sizeOf(partShape(factor)), 0);
}

const partShape = ({ operand: { shape }, part }: Factor): Shape =>
  part === undefined ? shape : withExtent(shape, part.axis, part.size);

/** The shape of the joint factor of a view. */
const shapeOf = ({ factors }: View): Shape => broadcastShapes(...factors.map(partShape))!;

/** The rows of scaled slices, by their views. */
function rowsOf(views: readonly View[]): Map<View, Row> {
  const groups = new Map<string, View[]>();
  for (const view of views) {
    if (view.part === undefined || view.factors.length === 0) continue;
    const rest = withExtent(shapeOf(view), view.part.axis, 0);
    if (shapeOf(view).at(view.part.axis) !== view.part.size || rest.length > view.of.shape.length) continue;
    const key = `${view.of.id} ${view.part.axis} ${rest}`;
    groups.set(key, [...(groups.get(key) ?? []), view]);
  }
  const rows = new Map<View, Row>();
  for (const group of groups.values()) {
    const sorted = group.sort((a, b) => a.part!.start - b.part!.start);
    for (let i = 0, j = 0; i < sorted.length; i = j) {
      for (j = i + 1; j < sorted.length && sorted[j]!.part!.start === endOf(sorted[j - 1]!); ) j++;
      const [first, last] = [sorted[i]!, sorted[j - 1]!];
      if (j - i < 2) continue;
      const { axis, start } = first.part!;
      const row = { of: first.of, part: { axis, start, size: endOf(last) - start }, views: sorted.slice(i, j) };
      for (const view of row.views) rows.set(view, row);
    }
  }
  return rows;
}

const endOf = ({ part }: View): number => part!.start + part!.size;

/** The factors of a row as one operand. Where they are parts of one operand, side by side, it is that one. */
function joined({ views, part }: Row, primal: PrimalBuilder): Operand {
  const { axis, start, size } = part;
  const factors = views.flatMap((view) => view.factors);
  const [{ operand, part: from }] = factors as [Factor];
  const isOne = ({ factors: [own, ...others], number, part: at }: View) =>
    others.length === 0 &&
    number === 1 &&
    own!.operand.name === operand.name &&
    own!.part?.start === from!.start + at!.start - start;
  if (from !== undefined && views.every(isOne)) return asOperand(primal, { operand, part: { ...from, size } });
  const shape = withExtent(shapeOf(views[0]!), axis, size);
  const parts = views.map((view) => valueOfView(view, primal));
  return primal.keep(primal.op("Concat", parts, shape, { axis: int(axis) }), ownerOf(factors, primal));
}

/** The factors of a view as one operand. */
function product(view: View, primal: PrimalBuilder): Operand {
  const [first, ...others] = view.factors as [Factor, ...Factor[]];
  if (others.length === 0 && view.number === 1) return asOperand(primal, first);
  return primal.keep(valueOfView(view, primal), ownerOf(view.factors, primal));
}

function asOperand(primal: PrimalBuilder, factor: Factor): Operand {
  const { operand, part } = factor;
  const isWhole = part === undefined || part.size === operand.shape.at(part.axis);
  return isWhole ? operand : primal.keep(partOf(factor, primal), ownerOf([factor], primal));
}

function valueOfView({ factors, number }: View, primal: PrimalBuilder): Value {
  const value = factors.map((factor) => partOf(factor, primal)).reduce((all, one) => primal.mul(all, one));
  return number === 1 ? value : primal.affine(number, value, 0);
}

function partOf({ operand, part }: Factor, primal: PrimalBuilder): Value {
  const whole = primal.valueOf(operand);
  return part === undefined ? whole : primal.sliceAxis(whole, part.axis, part.start, part.size);
}

/** The node whose derivative needs all of these factors, but for constants; `undefined` if there are several. */
function ownerOf(factors: readonly Factor[], primal: PrimalBuilder): string | undefined {
  const kept = factors.filter(({ operand }) => !primal.constants.has(operand.name));
  const owners = new Set(kept.map(({ operand }) => primal.kept.get(operand.name)?.of));
  return owners.size === 1 ? [...owners][0] : undefined;
}
