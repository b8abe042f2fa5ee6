import { PushforwardError } from "../base/index.ts";
import { readsOf, subgraphsOf } from "./graph.ts";
import type { Graph, Node, Tensor } from "./model.ts";
import { formatFacts } from "./operator-facts.ts";
import { isFloat } from "./precision.ts";
import { toFloat32Array } from "./tensor-types.ts";

/** Observes tensors of the graph at one point. */
type Look = (names: readonly string[]) => Promise<ReadonlyMap<string, Tensor>>;

/**
 * Refuses constants that are not finite and that reach arithmetic in which this cannot be intended. The graph must be folded, so
 * that the results of constant expressions are judged and not their parts. What is finite at the point that `look` observes was not computed
 * from such entries. A single number may be infinite, because it is not a weight.
 *
 * @throws PushforwardError `not-finite`, which names the tensor, the number of such entries, and the node that uses them
 */
export async function checkFinite(graph: Graph, look: Look = async () => new Map()): Promise<void> {
  const users = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of readsOf(node)) users.set(name, [...(users.get(name) ?? []), node]);
  }
  const doubtful = constantsIn(graph).flatMap(([name, tensor]) => {
    const { nan, infinite } = countNotFinite(tensor);
    return nan + infinite === 0 ? [] : [{ name, nan, infinite, size: tensor.data.length }];
  });
  const unseen: Around = { users, observed: new Map() };
  if (doubtful.some((one) => refusalOf(one, unseen) !== undefined)) {
    const observed = await look([...new Set(doubtful.flatMap(({ name }) => reachedFrom(name, users)))]);
    for (const one of doubtful) {
      const refusal = refusalOf(one, { users, observed });
      if (refusal !== undefined) throw refusal;
    }
  }
  for (const inner of graph.nodes.flatMap(subgraphsOf)) await checkFinite(inner);
}

const constantsIn = ({ initializers, nodes }: Graph): (readonly [string, Tensor])[] => [
  ...initializers,
  ...nodes.flatMap(({ op, outputs: [output = ""], attributes: { value } }) =>
    op === "Constant" && value?.kind === "tensor" ? [[output, value.value] as const] : [],
  ),
];

type Users = ReadonlyMap<string, readonly Node[]>;

interface Around {
  readonly users: Users;
  readonly observed: ReadonlyMap<string, Tensor>;
}

/** A constant with entries that are not finite. */
interface Doubtful {
  readonly name: string;
  readonly nan: number;
  readonly infinite: number;
  readonly size: number;
}

function refusalOf({ name, nan, infinite, size }: Doubtful, around: Around): PushforwardError | undefined {
  const byNan = nan > 0 ? brokenBy(name, "nan", around, new Set()) : undefined;
  const byInfinity = infinite > 0 && size > 1 ? brokenBy(name, "infinity", around, new Set()) : undefined;
  const user = byInfinity ?? byNan;
  if (user === undefined) return undefined;
  const count = (byNan ? nan : 0) + (byInfinity ? infinite : 0);
  return new PushforwardError("not-finite", {
    what: `${count} of ${size} entries of the weight "${name}" are not finite (NaN or infinite).`,
    where: { node: user.name || user.outputs[0], op: user.op },
    fix: "The training diverged, or the file is damaged. Use another checkpoint.",
  });
}

/** Whether entries of a tensor may pass a node as they are. */
function passes({ op }: Node): boolean {
  const { moves, infinity, selects = false } = formatFacts(op);
  return moves !== undefined || infinity === "passes" || selects;
}

/** The tensors that are computed from a tensor, or from entries of it that other nodes pass on. */
function reachedFrom(name: string, users: Users, seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  return (users.get(name) ?? []).flatMap((user) => {
    const outputs = user.outputs.filter((output) => output !== "");
    return passes(user) ? [...outputs, ...outputs.flatMap((output) => reachedFrom(output, users, seen))] : outputs;
  });
}

/**
 * The first node that computes with the entries of a tensor and cannot take what is among them. The search passes through nodes
 * that only move entries, and ends where all that a node gives is finite.
 */
function brokenBy(name: string, kind: "nan" | "infinity", around: Around, seen: Set<string>): Node | undefined {
  if (seen.has(name)) return undefined;
  seen.add(name);
  for (const user of around.users.get(name) ?? []) {
    if (kind === "infinity" && formatFacts(user.op).infinity === "counts") continue;
    const outputs = user.outputs.filter((output) => output !== "" && !holdsFinite(around.observed.get(output)));
    if (outputs.length === 0) continue;
    if (!passes(user)) return user;
    for (const output of outputs) {
      const broken = brokenBy(output, kind, around, seen);
      if (broken !== undefined) return broken;
    }
  }
  return undefined;
}

/** Whether a tensor was observed and holds nothing but finite numbers. */
function holdsFinite(tensor: Tensor | undefined): boolean {
  if (tensor === undefined) return false;
  const { nan, infinite } = countNotFinite(tensor);
  return nan + infinite === 0;
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
