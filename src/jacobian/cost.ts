import { constant, type LinearProgram, nodesBetween, rules } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import { type Attribute, type Model, type Node, readsOf } from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/**
 * The multiply-adds of one product J(from → to)·v: those of the convolutions and matrix products between the two taps. If both factors
 * of a node depend on the source, J has two products, dA·B and A·dB. Elementwise operations are not counted.
 */
export function productCost(model: Model, from: Tap, to: Tap): number {
  const moving = new Set([from.tensor]);
  let total = 0;
  for (const node of nodesBetween(model, { sources: [from.tensor], targets: [to.tensor] })) {
    if (rules[node.op] === constant) continue; // Its derivative is zero.
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

/** The multiply-adds of one node; 0 if it is neither a convolution nor a matrix product. */
function multiplyAdds(model: Model, { op, inputs, outputs, attributes }: Node): number {
  const shape = (name: string | undefined) => model.values.get(name ?? "")?.shape ?? [];
  const [input, weight, output] = [shape(inputs[0]), shape(inputs[1]), shape(outputs[0])];
  switch (op) {
    case "Conv": // W is [M, C / group, …]: each output entry is a sum over one slice of it.
      return sizeOf(output) * sizeOf(weight.slice(1));
    case "ConvTranspose": // W is [C, M / group, …]: each input entry is spread by one slice of it.
      return sizeOf(input) * sizeOf(weight.slice(1));
    case "MatMul": // Each output entry is a sum over the last axis of A, whatever is broadcast; A may be a vector.
      return sizeOf(output) * input.at(-1)!;
    case "Gemm":
      return sizeOf(output) * input[isSet(attributes.transA) ? 0 : 1]!;
    default:
      return 0;
  }
}

const isSet = (attribute: Attribute | undefined): boolean => attribute?.kind === "int" && attribute.value !== 0;
