/** Extents of a tensor, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of entries of a tensor of this shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** `3×224×224`, as printed for people. */
export function formatShape(shape: Shape): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}

/** A shape without a leading batch axis of 1. A shape with one axis does not change. */
export function withoutBatch(shape: Shape): Shape {
  return shape.length >= 2 && shape[0] === 1 ? shape.slice(1) : shape;
}

/** Row-major strides, in entries. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (shape[axis + 1] as number);
  }
  return strides;
}

/** NumPy broadcasting of shapes; `undefined` if they cannot be broadcast. */
export function broadcastShapes(...shapes: Shape[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const at = rank - shape.length + axis;
      const extent = shape[axis] as number;
      if (extent === 1) continue;
      if (result[at] !== 1 && result[at] !== extent) return undefined;
      result[at] = extent;
    }
  }
  return result;
}
