import { type LinearProgram, nodesMoving, operatorOf } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import { type Model, type Node, readAttributes, readsOf } from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/**
 * The multiply-adds of one product J(from → to)·v: those of the convolutions and matrix products between the two taps. If both factors
 * of a node depend on the source, J has two products, dA·B and A·dB. Elementwise operations are not counted.
 */
export function productCost(model: Model, from: Tap, to: Tap): number {
  const moving = new Set([from.tensor]);
  let total = 0;
  for (const node of nodesMoving(model, { sources: [from.tensor], targets: [to.tensor] })) {
    total += multiplyAdds(model, node) * node.inputs.slice(0, 2).filter((factor) => moving.has(factor)).length;
    if (readsOf(node).some((name) => moving.has(name))) for (const output of node.outputs) moving.add(output);
  }
  return total;
}

/** Reading and writing an entry in memory takes about as long as this many multiply-adds. */
const MOVE = 50;

/** The cost of a product, including the memory traffic of its intermediate values, in multiply-adds. */
export function costWithMemory(model: Model, from: Tap, to: Tap, { steps }: LinearProgram): number {
  const entries = steps.reduce((total, { output }) => total + sizeOf(output.shape), sizeOf(from.shape));
  return productCost(model, from, to) + MOVE * entries;
}

/** The multiply-adds of the derivative of one node by one of its first two inputs. */
function multiplyAdds(model: Model, node: Node): number {
  const shaped = (name: string) => ({ shape: model.values.get(name)?.shape ?? [] });
  const [inputs, outputs] = [node.inputs.map(shaped), node.outputs.map(shaped)];
  return operatorOf(node)?.multiplyAdds?.({ inputs, outputs, attributes: readAttributes(node.attributes) }) ?? 0;
}
