import { broadcastShapes, type Shape, sizeOf, stridesOf } from "../../src/base/index.ts";
import type { DataType, readAttributes, Tensor } from "../../src/onnx/index.ts";

/** A tensor of the reference interpreter: float64 whatever its ONNX type, integers and truth values included. */
export interface Array64 {
  readonly type: DataType;
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** One ONNX operator in float64; an absent optional input is `undefined`. */
export type ReferenceOp = (
  inputs: readonly (Array64 | undefined)[],
  attributes: ReturnType<typeof readAttributes>,
  outputs: number,
) => Array64 | readonly Array64[];

export type ReferenceOps = Readonly<Record<string, ReferenceOp>>;

export function array(shape: Shape, data: ArrayLike<number>, type: DataType = "float32"): Array64 {
  return { type, shape, data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

export function fromTensor({ type, shape, data }: Tensor): Array64 {
  return { type, shape, data: Float64Array.from(data as ArrayLike<number | bigint>, Number) };
}

/** The index of each axis, for all places of a shape in row-major order. */
export function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (all, extent) => all.flatMap((index) => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]],
  );
}

export function flat(index: readonly number[], shape: Shape): number {
  return index.reduce((at, i, axis) => at * shape[axis]! + i, 0);
}

/** A tensor whose entry at an index is computed from that index. */
export function build(
  shape: Shape,
  entry: (index: readonly number[], place: number) => number,
  type: DataType = "float32",
): Array64 {
  return array(shape, indicesOf(shape).map(entry), type);
}

/** Entry at an index of x. */
export const at = (x: Array64, index: readonly number[]): number => x.data[flat(index, x.shape)]!;

/** A function of corresponding entries, with NumPy broadcasting. */
export function zip(
  inputs: readonly Array64[],
  entry: (...values: readonly number[]) => number,
  type: DataType = inputs[0]!.type,
): Array64 {
  const shape = broadcastShapes(...inputs.map((input) => input.shape));
  if (shape === undefined) throw new Error(`no broadcast of ${inputs.map((x) => `[${x.shape}]`).join(" and ")}`);
  const strides = inputs.map((x) => {
    const own = stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride));
    return [...new Array<number>(shape.length - x.shape.length).fill(0), ...own];
  });
  const places = stridesOf(shape);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, place) => {
    const values = inputs.map((x, i) => {
      let from = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        from += (Math.floor(place / places[axis]!) % shape[axis]!) * strides[i]![axis]!;
      }
      return x.data[from]!;
    });
    return entry(...values);
  });
  return array(shape, data, type);
}

/** A function of each entry. */
export const each = (x: Array64, entry: (value: number) => number, type: DataType = x.type): Array64 =>
  array(x.shape, x.data.map(entry), type);

/** Splits x into vectors along some axes (absolute): for each place of the other axes, the flat indices of its entries. */
export function fibres(shape: Shape, axes: readonly number[]): number[][] {
  const outer = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const inner = indicesOf(shape.map((extent, axis) => (axes.includes(axis) ? extent : 1)));
  return indicesOf(outer).map((start) =>
    inner.map((offset) =>
      flat(
        start.map((s, axis) => s + offset[axis]!),
        shape,
      ),
    ),
  );
}

/** An axis counted from the left. */
export const fromLeft = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
