import { nodesBetween } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import type { Model, Node } from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/** Multiply-adds of one product J(from → to)·v: those of the layers between, elementwise work left out. */
export function productCost(model: Model, from: Tap, to: Tap): number {
  const between = nodesBetween(model, { sources: [from.tensor], targets: [to.tensor] });
  return between.reduce((total, node) => total + multiplyAdds(model, node), 0);
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
