import { broadcastShapes, type Shape, sameShape, sizeOf, stridesOf, withoutBatch } from "../../base/index.ts";
import { int, ints } from "../../onnx/index.ts";
import type { Definition, Step, StepEmitter } from "../program.ts";
import { aroundAxis, broadcastIndex, indexBy, withExtent } from "./indexing.ts";

/**
 * Emits an operation along (negative) axes. It uses the form in which the tangents are held, or the full form if the operation works
 * on the leading axis, which the former may lack. `emit` gets the names and the rank of the form used.
 */
function emitAlong(
  e: StepEmitter,
  { inputs }: Step,
  axes: readonly number[],
  emit: (names: readonly string[], rank: number) => string,
): string {
  const needsLeading = inputs.some(
    (x, i) => e.isStripped(i) !== e.isStripped(-1) || (e.isStripped(i) && axes.includes(-x.shape.length)),
  );
  const names = inputs.map((_, i) => (needsLeading ? e.fullInput(i) : e.input(i)));
  const y = emit(names, inputs[0]!.shape.length + (needsLeading || !e.isStripped() ? 1 : 0));
  return needsLeading ? e.fromFull(y) : y;
}

export const reshape: Definition<"reshape"> = {
  isEntrywise: true,
  shape([x], _operands, { shape }) {
    if (sizeOf(x!) !== sizeOf(shape)) throw new Error(`[${x}] cannot become [${shape}]`);
    return shape;
  },
  transpose: (l, ct, { inputs }) => [l.reshape(ct, inputs[0]!.shape)],
  emit: (e, { output }) => e.reshape(e.input(), withoutBatch(output.shape)),
  evaluate: (_step, [x]) => x!.slice(),
};

export const transpose: Definition<"transpose"> = {
  isEntrywise: true,
  shape([x], _operands, { perm }) {
    if (perm.length !== x!.length) throw new Error(`permutation [${perm}] for shape [${x}]`);
    return perm.map((axis) => x![axis]!);
  },
  transpose(l, ct, { attributes: { perm } }) {
    const inverse = new Array<number>(perm.length);
    perm.forEach((axis, i) => {
      inverse[axis] = i;
    });
    return [l.transpose(ct, inverse)];
  },
  emit(e, { attributes: { perm } }) {
    if (e.isStripped(0) && perm[0] === 0) return e.node("Transpose", [e.input()], { perm: ints(perm) });
    const shifted = [0, ...perm.map((axis) => axis + 1)];
    return e.fromFull(e.node("Transpose", [e.fullInput()], { perm: ints(shifted) }));
  },
  evaluate({ inputs, output, attributes: { perm } }, [x]) {
    const strides = stridesOf(inputs[0]!.shape);
    const at = indexBy(
      output.shape,
      perm.map((axis) => strides[axis]!),
      0,
    );
    return Float64Array.from(at, (i) => x![i]!);
  },
};

/** The most terms of a sum that are added one after the other if its axes can be taken apart. */
const MOST_TERMS = 256;

/**
 * The axes of a sum in groups that are summed one after the other, the last axes first. ONNX Runtime adds one term after the other, so that
 * sums of sums lose less to rounding. Sums of few terms are not taken apart.
 */
function stagesOf(axes: readonly number[], shape: Shape): number[][] {
  const extent = (axis: number) => shape.at(axis)!;
  if (sizeOf(axes.map(extent)) <= 4 * MOST_TERMS) return [[...axes]];
  const stages: number[][] = [];
  for (const axis of axes.toSorted((a, b) => b - a)) {
    const last = stages.at(-1);
    if (last !== undefined && sizeOf([...last, axis].map(extent)) <= MOST_TERMS) last.push(axis);
    else stages.push([axis]);
  }
  return stages;
}

export const sum: Definition<"sum"> = {
  isEntrywise: false,
  shape: ([x], _operands, { axes }) => axes.reduce<readonly number[]>((shape, axis) => withExtent(shape, axis, 1), x!),
  transpose: (l, ct, { inputs }) => [l.broadcast(ct, inputs[0]!.shape)],
  emit(e, step) {
    const { axes } = step.attributes;
    return emitAlong(e, step, axes, ([x]) =>
      stagesOf(axes, step.inputs[0]!.shape).reduce(
        (sum, stage) => e.node("ReduceSum", [sum, e.ints(stage)], { keepdims: int(1) }),
        x!,
      ),
    );
  },
  evaluate({ inputs, output }, [x]) {
    const at = broadcastIndex(output.shape, inputs[0]!.shape);
    const y = new Float64Array(sizeOf(output.shape));
    for (let i = 0; i < at.length; i++) y[at[i]!]! += x![i]!;
    return y;
  },
};

export const broadcast: Definition<"broadcast"> = {
  isEntrywise: false,
  shape([x], _operands, { shape }) {
    const both = broadcastShapes(x!, shape);
    if (both === undefined || !sameShape(both, shape)) throw new Error(`[${x}] does not broadcast to [${shape}]`);
    return shape;
  },
  transpose(l, ct, { inputs, output }) {
    const from = inputs[0]!.shape;
    const lead = output.shape.length - from.length;
    const axes = output.shape
      .map((extent, axis) => ({ axis: axis - output.shape.length, grown: axis < lead || extent !== from[axis - lead] }))
      .filter(({ grown }) => grown)
      .map(({ axis }) => axis);
    return [l.reshape(axes.length === 0 ? ct : l.sum(ct, axes), from)];
  },
  emit(e, { inputs, output }) {
    const lead = output.shape.length - inputs[0]!.shape.length;
    const aligned = e.reshape(e.input(), [...new Array<number>(lead).fill(1), ...inputs[0]!.shape]);
    return e.fromFull(e.node("Expand", [aligned, e.ints([1, ...output.shape])]));
  },
  evaluate({ inputs, output }, [x]) {
    return Float64Array.from(broadcastIndex(inputs[0]!.shape, output.shape), (i) => x![i]!);
  },
};

export const slice: Definition<"slice"> = {
  isEntrywise: true,
  shape([x], _operands, { axis, start, size }) {
    const extent = x![x!.length + axis]!;
    if (start < 0 || size < 0 || start + size > extent) throw new Error(`slice ${start}+${size} of ${extent}`);
    return withExtent(x!, axis, size);
  },
  transpose(l, ct, { inputs: [x], attributes: { axis, start, size } }) {
    return [l.pad(ct, axis, start, aroundAxis(x!.shape, axis).extent - start - size)];
  },
  emit(e, step) {
    const { axis, start, size } = step.attributes;
    return emitAlong(e, step, [axis], ([x]) =>
      e.node("Slice", [x!, e.ints([start]), e.ints([start + size]), e.ints([axis])]),
    );
  },
  evaluate({ inputs, output, attributes: { axis, start, size } }, [x]) {
    const { outer, extent, inner } = aroundAxis(inputs[0]!.shape, axis);
    const y = new Float64Array(sizeOf(output.shape));
    for (let o = 0; o < outer; o++) {
      const from = (o * extent + start) * inner;
      y.set(x!.subarray(from, from + size * inner), o * size * inner);
    }
    return y;
  },
};

/** Emits slices that tile a tensor, as one node; returns their names. */
export function emitTiles(e: (step: Step<"slice">) => StepEmitter, tiles: readonly Step<"slice">[]): string[] {
  const [first] = tiles as readonly [Step<"slice">];
  const sizes = tiles.map(({ attributes: { size } }) => size);
  const whole = e(first);
  const axis = int(first.attributes.axis);
  const names = whole.nodes("Split", [whole.input(), whole.ints(sizes)], tiles.length, { axis });
  return names.map((name, i) => (whole.isStripped(0) ? name : e(tiles[i]!).fromFull(name)));
}

export const pad: Definition<"pad"> = {
  isEntrywise: true,
  shape([x], _operands, { axis, before, after }) {
    if (before < 0 || after < 0) throw new Error(`negative padding ${before}, ${after}`);
    return withExtent(x!, axis, aroundAxis(x!, axis).extent + before + after);
  },
  transpose: (l, ct, { inputs: [x], attributes: { axis, before } }) => [
    l.slice(ct, axis, before, aroundAxis(x!.shape, axis).extent),
  ],
  /** States the pads of every axis. With the pads of a named axis, ONNX Runtime errs when it moves a Transpose past the node. */
  emit(e, step) {
    const { axis, before, after } = step.attributes;
    return emitAlong(e, step, [axis], ([x], rank) => {
      const zeros = new Array<number>(rank).fill(0);
      const pads = [...withExtent(zeros, axis, before), ...withExtent(zeros, axis, after)];
      return e.node("Pad", [x!, e.ints(pads), e.scalar(0)]);
    });
  },
  evaluate({ inputs, output, attributes: { axis, before } }, [x]) {
    const { outer, extent, inner } = aroundAxis(inputs[0]!.shape, axis);
    const wide = aroundAxis(output.shape, axis).extent;
    const y = new Float64Array(sizeOf(output.shape));
    for (let o = 0; o < outer; o++) {
      y.set(x!.subarray(o * extent * inner, (o + 1) * extent * inner), (o * wide + before) * inner);
    }
    return y;
  },
};

export const concat: Definition<"concat"> = {
  isEntrywise: true,
  shape(inputs, _operands, { axis }) {
    const first = inputs[0]!;
    if (!inputs.every((shape) => sameShape(withExtent(shape, axis, 0), withExtent(first, axis, 0)))) {
      throw new Error(`parts do not fit: ${inputs.map((shape) => `[${shape}]`).join(", ")}`);
    }
    return withExtent(
      first,
      axis,
      inputs.reduce((total, shape) => total + aroundAxis(shape, axis).extent, 0),
    );
  },
  transpose(l, ct, { inputs, attributes: { axis } }) {
    let start = 0;
    return inputs.map((x) => {
      const { extent } = aroundAxis(x.shape, axis);
      const part = l.slice(ct, axis, start, extent);
      start += extent;
      return part;
    });
  },
  emit(e, step) {
    const { axis } = step.attributes;
    return emitAlong(e, step, [axis], (names) => e.node("Concat", names, { axis: int(axis) }));
  },
  evaluate({ inputs, output, attributes: { axis } }, parts) {
    const { outer, extent: wide, inner } = aroundAxis(output.shape, axis);
    const y = new Float64Array(sizeOf(output.shape));
    let start = 0;
    inputs.forEach((x, i) => {
      const { extent } = aroundAxis(x.shape, axis);
      for (let o = 0; o < outer; o++) {
        y.set(parts[i]!.subarray(o * extent * inner, (o + 1) * extent * inner), (o * wide + start) * inner);
      }
      start += extent;
    });
    return y;
  },
};
