import { type LinearProgram, nodesBetween } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import type { Model, Node } from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/** Multiply-adds of one product J(from → to)·v: those of the layers between, elementwise work left out. */
export function productCost(model: Model, from: Tap, to: Tap): number {
  const between = nodesBetween(model, { sources: [from.tensor], targets: [to.tensor] });
  return between.reduce((total, node) => total + multiplyAdds(model, node), 0);
}

/** Moving an entry through memory takes about as long as this many multiply-adds. */
const MOVE = 50;

/** What a product costs with the movement of its intermediate values, in multiply-adds. */
export function costWithMemory(model: Model, from: Tap, to: Tap, { steps }: LinearProgram): number {
  const entries = steps.reduce((total, { output }) => total + sizeOf(output.shape), sizeOf(from.shape));
  return productCost(model, from, to) + MOVE * entries;
}

function multiplyAdds(model: Model, { op, inputs, outputs }: Node): number {
  const shape = (name: string | undefined) => model.values.get(name ?? "")?.shape ?? [];
  const weight = shape(inputs[1]);
  switch (op) {
    case "Conv":
      return sizeOf(shape(outputs[0])) * sizeOf(weight.slice(1));
    case "ConvTranspose":
      return sizeOf(shape(inputs[0])) * sizeOf(weight.slice(1));
    case "Gemm":
    case "MatMul":
      return sizeOf(shape(outputs[0])) * (sizeOf(weight) / (shape(outputs[0]).at(-1) ?? 1));
    default:
      return 0;
  }
}
