import type { Shape } from "../base/index.ts";
import { intTensor } from "../onnx/index.ts";
import type { PrimalBuilder } from "./primal.ts";
import type { LinearBuilder, Tangent } from "./program.ts";

/** The places along one axis that a selection takes: `start`, `start + step`, … */
export interface AxisRange {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Some entries of a tensor: those at the places of a range on each axis, as a tensor of another shape. */
export interface Selection {
  /** One for each axis of the tensor. */
  readonly ranges: readonly AxisRange[];
  /** The shape of the entries selected; as many entries as the ranges have combinations. */
  readonly shape: Shape;
}

const placesOf = ({ start, step, count }: AxisRange) => Array.from({ length: count }, (_, i) => start + i * step);

/** The selected entries of a tangent. */
export function select(l: LinearBuilder, primal: PrimalBuilder, x: Tangent, { ranges, shape }: Selection): Tangent {
  const taken = ranges.reduce<Tangent>((t, range, d) => {
    const axis = d - ranges.length;
    if (range.step === 1) return l.slice(t, axis, range.start, range.count);
    return l.gather(t, primal.keep(primal.constant(intTensor(placesOf(range)))), axis);
  }, x);
  return l.reshape(taken, shape);
}

/** A tangent that is zero but for the selected entries: the adjoint of `select`. `shape` is that of the tensor. */
export function embed(
  l: LinearBuilder,
  primal: PrimalBuilder,
  x: Tangent,
  { ranges }: Selection,
  shape: Shape,
): Tangent {
  const selected = l.reshape(
    x,
    ranges.map(({ count }) => count),
  );
  return ranges.reduce<Tangent>((t, range, d) => {
    const [axis, extent] = [d - ranges.length, shape[d]!];
    if (range.step === 1) return l.pad(t, axis, range.start, extent - range.start - range.count);
    return l.scatterAdd(t, primal.keep(primal.constant(intTensor(placesOf(range)))), axis, extent);
  }, selected);
}
