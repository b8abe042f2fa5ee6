import { sizeOf } from "../../base/index.ts";
import { int, ints, type Node, readAttributes } from "../../onnx/index.ts";
import { crops, resizeMatrices } from "../resize-matrices.ts";
import type { Float64Nodes } from "./form.ts";

/**
 * A Resize as one product per axis, or one selection if it takes the nearest entry. The weights of the runtime are float32 numbers, and those
 * of one output add up to 1 only within rounding; they are divided by their sum, so that a flat picture stays flat.
 *
 * `undefined` for scales or sizes that are no constants, and for a mode that crops.
 */
export function resizeInFloat64(write: Float64Nodes, { inputs, outputs, attributes }: Node): string | undefined {
  const read = readAttributes(attributes);
  const [scales, sizes] = [write.numbers(inputs[2] ?? ""), write.numbers(inputs[3] ?? "")];
  if (crops({ attributes: read }) || scales === undefined || sizes === undefined) return undefined;
  const [x] = inputs as [string];
  const from = write.shape(x);
  const matrices = resizeMatrices(
    { attributes: read, from, to: write.shape(outputs[0]!), scales, sizes, roi: [] },
    {
      constant: (tensor) => write.constant(tensor),
      op: (op, operands, _shape, settings) => write.node(op, operands, settings),
    },
  );
  let resized = write.wide(x);
  let shape = from;
  for (const { axis, to, matrix } of matrices) {
    const after = shape.map((extent, i) => (i === axis ? to : extent));
    if (read.text("mode", "nearest") === "nearest") {
      const taken = write.node("ArgMax", [matrix], { axis: int(0), keepdims: int(0) });
      resized = write.node("Gather", [resized, taken], { axis: int(axis) });
    } else {
      const wide = write.node("Cast", [matrix], { to: int(FLOAT64) });
      const sums = write.node("ReduceSum", [wide, write.ints([0])], { keepdims: int(1) });
      const weights = write.node("Transpose", [write.node("Div", [wide, sums])], { perm: ints([1, 0]) });
      const planes = write.ints([sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))]);
      const product = write.node("MatMul", [weights, write.node("Reshape", [resized, planes])]);
      resized = write.node("Reshape", [product, write.ints(after)]);
    }
    shape = after;
  }
  return resized;
}

const FLOAT64 = 11;
