import { constant, type LinearProgram, nodesBetween, rules } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import type { Attribute, Model, Node } from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/**
 * Multiply-adds of one product J(from → to)·v: those of the convolutions and matrix products between the two taps. A node both
 * of whose factors move with the source has two products in J, dA·B and A·dB. Elementwise work is left out.
 */
export function productCost(model: Model, from: Tap, to: Tap): number {
  const moving = new Set([from.tensor]);
  let total = 0;
  for (const node of nodesBetween(model, { sources: [from.tensor], targets: [to.tensor] })) {
    if (rules[node.op] === constant) continue; // What it gives does not move.
    total += multiplyAdds(model, node) * node.inputs.slice(0, 2).filter((factor) => moving.has(factor)).length;
    if (node.inputs.some((input) => moving.has(input))) for (const output of node.outputs) moving.add(output);
  }
  return total;
}

/** Moving an entry through memory takes about as long as this many multiply-adds. */
const MOVE = 50;

/** What a product costs with the movement of its intermediate values, in multiply-adds. */
export function costWithMemory(model: Model, from: Tap, to: Tap, { steps }: LinearProgram): number {
  const entries = steps.reduce((total, { output }) => total + sizeOf(output.shape), sizeOf(from.shape));
  return productCost(model, from, to) + MOVE * entries;
}

/** Multiply-adds of a layer itself, 0 for one that is neither a convolution nor a matrix product. */
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
