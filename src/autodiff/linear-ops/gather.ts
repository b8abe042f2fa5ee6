import { type Shape, sizeOf } from "../../base/index.ts";
import { castTo, int, text } from "../../onnx/index.ts";
import type { Definition, StepEmitter } from "../program.ts";
import { aroundAxis, withExtent } from "./indexing.ts";

/**
 * The indices repeated to the shape of a tensor [K, ...], as int32. This takes half the bytes of int64, and is enough for positions
 * within one vector.
 */
function indicesAs(e: StepEmitter, shapeOf: string, rank: number, axis: number): string {
  const unit = withExtent(new Array<number>(rank + 1).fill(1), axis, -1);
  const narrow = e.node("Cast", [e.node("Reshape", [e.operand(), e.ints(unit)])], castTo("int32"));
  return e.node("Expand", [narrow, shapeOf]);
}

/** The shape [K, ...shape] as a tensor, with K taken from another tensor. */
function blockShape(e: StepEmitter, name: string, shape: Shape): string {
  const rows = e.node("Shape", [name], { end: int(1) });
  return e.node("Concat", [rows, e.ints(shape)], { axis: int(0) });
}

export const gather: Definition<"gather"> = {
  isEntrywise: true,
  shape([x], [indices], { axis }) {
    if (indices!.length !== 1) throw new Error(`indices must be a vector, not [${indices}]`);
    return withExtent(x!, axis, indices![0]!);
  },
  transpose: (l, ct, { inputs: [x], operands, attributes: { axis } }) => [
    l.scatterAdd(ct, operands[0]!, axis, aroundAxis(x!.shape, axis).extent),
  ],
  /** GatherElements reads single numbers and is faster for slices of one number; Gather copies longer slices. */
  emit(e, { inputs: [x], output, attributes: { axis } }) {
    const full = e.fullInput();
    if (axis < -1) return e.fromFull(e.node("Gather", [full, e.operand()], { axis: int(axis) }));
    const indices = indicesAs(e, blockShape(e, full, output.shape), x!.shape.length, axis);
    return e.fromFull(e.node("GatherElements", [full, indices], { axis: int(axis) }));
  },
  evaluate({ inputs, output, attributes: { axis } }, [x], [indices]) {
    const { outer, extent, inner } = aroundAxis(inputs[0]!.shape, axis);
    const count = indices!.length;
    const y = new Float64Array(sizeOf(output.shape));
    for (let o = 0; o < outer; o++) {
      for (let p = 0; p < count; p++) {
        for (let i = 0; i < inner; i++) {
          y[(o * count + p) * inner + i] = x![(o * extent + indices![p]!) * inner + i]!;
        }
      }
    }
    return y;
  },
};

export const scatterAdd: Definition<"scatterAdd"> = {
  isEntrywise: false,
  shape([x], [indices], { axis, size }) {
    if (aroundAxis(x!, axis).extent !== indices![0]) throw new Error(`[${indices}] indices for [${x}]`);
    return withExtent(x!, axis, size);
  },
  transpose: (l, ct, { operands, attributes }) => [l.gather(ct, operands[0]!, attributes.axis)],
  emit(e, { inputs: [x], attributes: { axis, size } }) {
    const updates = e.fullInput();
    const indices = indicesAs(e, e.node("Shape", [updates]), x!.shape.length, axis);
    // Zeros whose shape ONNX Runtime knows to be the result's, so that it adds to them in place; as a sum, for it fills on one
    // thread and adds on all.
    const first = e.node("Slice", [updates, e.ints([0]), e.ints([1]), e.ints([axis])]);
    const unit = new Array<number>(x!.shape.length).fill(1);
    const zeros = e.node("Add", [e.node("Sub", [first, first]), e.zeros(withExtent(unit, axis, size))]);
    const attributes = { axis: int(axis), reduction: text("add") };
    return e.fromFull(e.node("ScatterElements", [zeros, indices, updates], attributes));
  },
  evaluate({ inputs, output, attributes: { axis, size } }, [x], [indices]) {
    const { outer, extent, inner } = aroundAxis(inputs[0]!.shape, axis);
    const y = new Float64Array(sizeOf(output.shape));
    for (let o = 0; o < outer; o++) {
      for (let p = 0; p < extent; p++) {
        for (let i = 0; i < inner; i++) {
          y[(o * size + indices![p]!) * inner + i]! += x![(o * extent + p) * inner + i]!;
        }
      }
    }
    return y;
  },
};
