import { PushforwardError } from "../base/index.ts";
import { readsOf, subgraphsOf } from "./graph.ts";
import type { Graph, Node, Tensor } from "./model.ts";
import { formatFacts } from "./operator-facts.ts";
import { isFloat } from "./precision.ts";
import { toFloat32Array } from "./tensor-types.ts";

/**
 * Refuses constants that are not finite and that reach arithmetic in which this cannot be intended. The graph must be folded, so
 * that the results of constant expressions are judged and not their parts. A single number may be infinite, because it is not a
 * weight.
 *
 * @throws PushforwardError `not-finite`, which names the tensor, the number of such entries, and the node that uses them
 */
export function checkFinite(graph: Graph): void {
  const users = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of readsOf(node)) users.set(name, [...(users.get(name) ?? []), node]);
  }
  for (const [name, tensor] of graph.initializers) checkTensor(name, tensor, users);
  for (const node of graph.nodes) {
    const { value } = node.attributes;
    const [output = ""] = node.outputs;
    if (node.op === "Constant" && value?.kind === "tensor") checkTensor(output, value.value, users);
    subgraphsOf(node).forEach(checkFinite);
  }
}

type Users = ReadonlyMap<string, readonly Node[]>;

function checkTensor(name: string, tensor: Tensor, users: Users): void {
  const { nan, infinite } = countNotFinite(tensor);
  if (nan + infinite === 0) return;
  const broken = infinite > 0 && tensor.data.length > 1 ? brokenBy(name, users, new Set()) : undefined;
  const count = broken === undefined ? nan : nan + infinite;
  if (count === 0) return;
  const user = broken ?? users.get(name)?.[0];
  throw new PushforwardError("not-finite", {
    what: `${count} of ${tensor.data.length} entries of the weight "${name}" are not finite (NaN or infinite).`,
    where: user && { node: user.name || user.outputs[0], op: user.op },
    fix: "The training diverged, or the file is damaged. Use another checkpoint.",
  });
}

/**
 * The first node that computes with the entries of a tensor and cannot take infinities. The search passes through nodes
 * that only move entries.
 */
function brokenBy(name: string, users: Users, seen: Set<string>): Node | undefined {
  if (seen.has(name)) return undefined;
  seen.add(name);
  for (const user of users.get(name) ?? []) {
    const { moves, infinity } = formatFacts(user.op);
    if (infinity === "counts") continue;
    if (moves === undefined && infinity !== "passes") return user;
    for (const output of user.outputs) {
      const broken = brokenBy(output, users, seen);
      if (broken !== undefined) return broken;
    }
  }
  return undefined;
}

function countNotFinite(tensor: Tensor): { nan: number; infinite: number } {
  let nan = 0;
  let infinite = 0;
  if (isFloat(tensor.type)) {
    const data = tensor.type === "float64" ? (tensor.data as Float64Array) : toFloat32Array(tensor);
    if (areFinite(data)) return { nan, infinite };
    for (let i = 0; i < data.length; i++) {
      const entry = data[i] as number;
      if (entry - entry === 0) continue;
      if (Number.isNaN(entry)) nan++;
      else infinite++;
    }
  }
  return { nan, infinite };
}

/** Whether all numbers are finite: zero times another is NaN. Several sums at once do not wait for each other. */
function areFinite(data: Float32Array | Float64Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += 0 * (data[i] as number);
    b += 0 * (data[i + 1] as number);
    c += 0 * (data[i + 2] as number);
    d += 0 * (data[i + 3] as number);
  }
  for (let i = whole; i < data.length; i++) a += 0 * (data[i] as number);
  return a + b + c + d === 0;
}
