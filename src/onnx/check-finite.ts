import { PushforwardError } from "../base/index.ts";
import { subgraphsOf } from "./graph.ts";
import type { Graph, Node, Tensor } from "./model.ts";
import { toFloat32Array } from "./tensor-types.ts";

/**
 * Operators through which a mask of −∞ or a bound of ±∞ passes; in all others an infinity is a broken weight, unless it is
 * alone: a single number is no weight.
 */
const takesInfinity = new Set(["Where", "Add", "Max", "Min", "Clip", "Pad", "Expand", "Trilu", "Slice"]);

/** @throws PushforwardError `not-finite` naming the tensor, how many entries, and the node that uses it */
export function checkFinite(graph: Graph): void {
  const users = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) users.set(input, [...(users.get(input) ?? []), node]);
  }
  for (const [name, tensor] of graph.initializers) checkTensor(name, tensor, users.get(name) ?? []);
  for (const node of graph.nodes) {
    const { value } = node.attributes;
    if (node.op === "Constant" && value?.kind === "tensor") {
      const name = node.outputs[0] ?? "";
      checkTensor(name, value.value, users.get(name) ?? []);
    }
    subgraphsOf(node).forEach(checkFinite);
  }
}

function checkTensor(name: string, tensor: Tensor, users: readonly Node[]): void {
  const { nan, infinite } = countNotFinite(tensor);
  const masks = tensor.data.length === 1 || users.every(({ op }) => takesInfinity.has(op));
  const broken = masks ? nan : nan + infinite;
  if (broken === 0) return;
  const [user] = users;
  throw new PushforwardError("not-finite", {
    what: `${broken} of ${tensor.data.length} entries of the weight "${name}" are not finite (NaN or infinite).`,
    where: user && { node: user.name || user.outputs[0], op: user.op },
    fix: "The training diverged or the file is damaged: use another checkpoint.",
  });
}

function countNotFinite(tensor: Tensor): { nan: number; infinite: number } {
  let nan = 0;
  let infinite = 0;
  if (/float/.test(tensor.type)) {
    const data = tensor.type === "float64" ? (tensor.data as Float64Array) : toFloat32Array(tensor);
    for (let i = 0; i < data.length; i++) {
      const entry = data[i] as number;
      if (entry - entry === 0) continue;
      if (Number.isNaN(entry)) nan++;
      else infinite++;
    }
  }
  return { nan, infinite };
}
