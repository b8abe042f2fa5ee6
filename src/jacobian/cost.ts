import { constant, type LinearProgram, nodesMoving, operatorOf } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import { type Model, type Node, readAttributes, readsOf, repetitionOf } from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/**
 * The multiply-adds of one product J(from → to)·v: those of the convolutions and matrix products between the two taps. If both factors
 * of a node depend on the source, J has two products, dA·B and A·dB. Elementwise operations are not counted.
 */
export function productCost(model: Model, from: Tap, to: Tap): number {
  const nodes = nodesMoving(model, { sources: [from.tensor], targets: [to.tensor] });
  return costOf(nodes, model.values, new Set([from.tensor]));
}

/** The same for some nodes, of which the tensors that are `moving` are differentiated; those that they compute of them are added. */
function costOf(nodes: readonly Node[], values: Model["values"], moving: Set<string>): number {
  let total = 0;
  for (const node of nodes) {
    if (operatorOf(node)?.rule === constant) continue; // Its derivative is zero.
    const factors = node.inputs.slice(0, 2).filter((factor) => moving.has(factor));
    total += multiplyAdds(values, node) * factors.length + costOfRounds(node, values, moving);
    if (readsOf(node).some((name) => moving.has(name))) for (const output of node.outputs) moving.add(output);
  }
  return total;
}

/** The cost of all rounds of a repetition, whose states all move; 0 for another node. */
function costOfRounds(node: Node, values: Model["values"], moving: ReadonlySet<string>): number {
  const parts = repetitionOf(node);
  if (parts === undefined) return 0;
  const { body, states, sliced } = parts;
  const ends = [...states, ...sliced];
  const within = body.inputs.filter((_, i) => i < states.length || moving.has(ends[i]!)).map(({ name }) => name);
  const [count = 0] = values.get(sliced[0]!)?.shape ?? [];
  return count * costOf(body.nodes, new Map([...values, ...(body.values ?? [])]), new Set([...moving, ...within]));
}

/** Reading and writing an entry in memory takes about as long as this many multiply-adds. */
const MOVE = 50;

/** The cost of a product, including the memory traffic of its intermediate values, in multiply-adds. */
export function costWithMemory(model: Model, from: Tap, to: Tap, { steps }: LinearProgram): number {
  return productCost(model, from, to) + MOVE * (sizeOf(from.shape) + entriesOf(steps));
}

/** The entries that some steps write. */
const entriesOf = (steps: LinearProgram["steps"]): number =>
  steps.reduce((total, { op, attributes, output }) => {
    const inside = op === "repeat" ? attributes.count * entriesOf(attributes.round.steps) : 0;
    return total + sizeOf(output.shape) + inside;
  }, 0);

/** The multiply-adds of the derivative of one node by one of its first two inputs. */
function multiplyAdds(values: Model["values"], node: Node): number {
  const shaped = (name: string) => ({ shape: values.get(name)?.shape ?? [] });
  const [inputs, outputs] = [node.inputs.map(shaped), node.outputs.map(shaped)];
  return operatorOf(node)?.multiplyAdds?.({ inputs, outputs, attributes: readAttributes(node.attributes) }) ?? 0;
}
