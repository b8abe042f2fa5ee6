import { type Shape, sizeOf, stridesOf } from "../../base/index.ts";

/** For each entry of a tensor of shape `to`, the flat index of the entry of a tensor of shape `from` that broadcasts to it. */
export function broadcastIndex(from: Shape, to: Shape): Uint32Array {
  const lead = to.length - from.length;
  const strides = stridesOf(from).map((stride, axis) => (from[axis] === 1 ? 0 : stride));
  return indexBy(to, [...new Array<number>(lead).fill(0), ...strides], 0);
}

/** For each entry of a tensor of shape `shape`, `offset` + Σ index[axis] · strides[axis]. */
export function indexBy(shape: Shape, strides: readonly number[], offset: number): Uint32Array {
  const result = new Uint32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < result.length; i++) {
    result[i] = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      at += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      at -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** The number of entries before an axis, along it, and after it. */
export function aroundAxis(shape: Shape, axis: number): { outer: number; extent: number; inner: number } {
  const at = shape.length + axis;
  return { outer: sizeOf(shape.slice(0, at)), extent: shape[at]!, inner: sizeOf(shape.slice(at + 1)) };
}

/** A shape with the extent of one axis (negative) replaced. */
export function withExtent(shape: Shape, axis: number, extent: number): number[] {
  const result = [...shape];
  result[shape.length + axis] = extent;
  return result;
}
