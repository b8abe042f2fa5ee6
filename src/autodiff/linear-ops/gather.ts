import { sizeOf } from "../../base/index.ts";
import { int, text } from "../../onnx/index.ts";
import type { Definition } from "../program.ts";
import { aroundAxis, withExtent } from "./indexing.ts";

export const gather: Definition<"gather"> = {
  shape([x], [indices], { axis }) {
    if (indices!.length !== 1) throw new Error(`indices must be a vector, not [${indices}]`);
    return withExtent(x!, axis, indices![0]!);
  },
  transpose: (l, ct, { inputs: [x], operands, attributes: { axis } }) => [
    l.scatterAdd(ct, operands[0]!, axis, aroundAxis(x!.shape, axis).extent),
  ],
  emit: (e, { attributes }) =>
    e.fromFull(e.node("Gather", [e.fullInput(), e.operand()], { axis: int(attributes.axis) })),
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
  shape([x], [indices], { axis, size }) {
    if (aroundAxis(x!, axis).extent !== indices![0]) throw new Error(`[${indices}] indices for [${x}]`);
    return withExtent(x!, axis, size);
  },
  transpose: (l, ct, { operands, attributes }) => [l.gather(ct, operands[0]!, attributes.axis)],
  emit(e, { inputs: [x], attributes: { axis, size } }) {
    const updates = e.fullInput();
    const shape = e.node("Shape", [updates]);
    const aligned = e.node("Reshape", [e.operand(), e.ints(withExtent([1, ...x!.shape.map(() => 1)], axis, -1))]);
    const indices = e.node("Expand", [aligned, shape]);
    const blockSize = e.node("Shape", [updates], { end: int(1) });
    const zeroShape = e.node("Concat", [blockSize, e.ints(withExtent(x!.shape, axis, size))], { axis: int(0) });
    const zeros = e.node("Expand", [e.scalar(0), zeroShape]);
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
