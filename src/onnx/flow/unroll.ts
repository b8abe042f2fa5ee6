import { OPSET, toNumbers } from "../build.ts";
import { constantsOf, isRandom } from "../fold.ts";
import { allNames, definedNames, readsOf, withGraph } from "../graph.ts";
import { inline } from "../inline.ts";
import { writtenFor } from "../misfit.ts";
import type { Decision, Graph, Node, OnnxModel, Tensor } from "../model.ts";
import { upgradesOf } from "../upgrade.ts";
import type { Replacement } from "./body.ts";
import { drawnIn } from "./decide.ts";
import { bodyOf, counting, unrollLoop } from "./loop.ts";
import type { Observe, Unrolled } from "./observe.ts";
import { canRepeat, keepsItsShapes, readInLoop, repeatLoop, repeatScan } from "./repeat.ts";
import { partsOf, slicedBy, unrollBatchedScan, unrollScan } from "./scan.ts";
import { hasOtherThanTensors, reduceSequences } from "./sequences.ts";

const FLOW = new Set(["If", "Loop", "Scan"]);
const isFlow = ({ domain, op }: Node): boolean => domain === "" && FLOW.has(op);

/**
 * The model as it runs at the point that `observe` runs it at: every If is the branch that is taken, every Loop and Scan are their rounds,
 * one after the other, to any depth, and there are no sequences and optionals. A Loop or Scan of `manyRounds` or more is a repetition
 * where that is possible. What a draw decides stays as it is, and so does what is the same at every point.
 */
export async function withoutFlow(model: OnnxModel, observe: Observe, manyRounds: number): Promise<Unrolled> {
  const opset = model.opsets.get("") ?? OPSET;
  let now: Unrolled = { model, decisions: [] };
  for (;;) {
    const before = now.model;
    const steps = [
      (one: OnnxModel) => unroll(one, opset, observe, manyRounds),
      (one: OnnxModel) => reduceSequences(one, opset, observe),
    ];
    for (const step of steps) {
      const next = await step(now.model);
      now = { model: next.model, decisions: [...now.decisions, ...next.decisions] };
    }
    if (now.model === before) return now;
  }
}

async function unroll(model: OnnxModel, opset: number, observe: Observe, manyRounds: number): Promise<Unrolled> {
  const decisions: Decision[] = [];
  for (let now = model; ; ) {
    const nodes = undecided(now.graph);
    if (nodes.length === 0) return { model: now, decisions };
    const wave = new Wave(now, nodes, opset, manyRounds);
    await wave.observe(observe);
    now = withGraph(now, wave.replace());
    decisions.push(...wave.decisions);
  }
}

/** The nodes of control flow in the graph itself that have to be replaced. */
function undecided(graph: Graph): Node[] {
  if (!graph.nodes.some(isFlow)) return [];
  const constant = hasOtherThanTensors(graph) ? new Set<string>() : constantsOf(graph);
  const drawn = drawnIn(graph);
  return graph.nodes.filter((node) => {
    if (!isFlow(node) || node.repeats || isDecidedByDraw(node, drawn)) return false;
    return node.outputs.some((output) => output !== "" && !constant.has(output));
  });
}

function isDecidedByDraw(node: Node, drawn: ReadonlySet<string>): boolean {
  if (node.op === "If") return drawn.has(node.inputs[0] ?? "");
  if (node.op === "Scan") return drawn.has(node.inputs[0] ?? "") && slicedBy(node).length === node.inputs.length;
  return readsOf(node).some((name) => drawn.has(name)) || isRandom(node);
}

/** The nodes of control flow that one run suffices to replace. */
class Wave {
  readonly decisions: Decision[] = [];
  readonly #model: OnnxModel;
  readonly #nodes: ReadonlySet<Node>;
  readonly #opset: number;
  readonly #manyRounds: number;
  readonly #counted = new Map<Node, { readonly node: Node; readonly count: string }>();
  readonly #taken: Set<string>;
  #seen: ReadonlyMap<string, Tensor> = new Map();

  constructor(model: OnnxModel, nodes: readonly Node[], opset: number, manyRounds: number) {
    this.#model = model;
    this.#nodes = new Set(nodes);
    this.#opset = opset;
    this.#manyRounds = manyRounds;
    const { graph } = model;
    const others = { ...graph, nodes: graph.nodes.filter((node) => !this.#nodes.has(node)) };
    this.#taken = new Set([...allNames(others), ...definedNames(graph)]);
  }

  async observe(observe: Observe): Promise<void> {
    const all = new Set(allNames(this.#model.graph));
    const asked = new Set<string>();
    const ask = (names: readonly string[]) => {
      for (const name of names) if (name !== "") asked.add(name);
    };
    for (const node of this.#nodes) {
      if (node.op === "Loop") {
        const counted = counting(node, all);
        this.#counted.set(node, counted);
        ask([counted.count, node.inputs[0] ?? ""]);
        if (this.#canRepeat(node, bodyOf(node))) {
          ask([...readInLoop(node), ...node.inputs.slice(2), ...counted.node.outputs]);
        }
      } else ask(node.op === "If" ? node.inputs.slice(0, 1) : this.#askedOf(node));
    }
    const { graph } = this.#model;
    const nodes = graph.nodes.map((node) => this.#counted.get(node)?.node ?? node);
    this.#seen = await observe(withGraph(this.#model, { nodes }), [...asked]);
    const empty = [...this.#nodes].filter((node) => node.op === "Loop" && this.#roundsOf(node) === 0);
    const stacked = empty.flatMap((node) => node.outputs.slice(node.inputs.length - 2)).filter((name) => name !== "");
    if (stacked.length > 0) this.#seen = new Map([...this.#seen, ...(await observe(this.#model, stacked))]);
  }

  #canRepeat({ repeats }: Node, body: Graph): boolean {
    return this.#opset >= 9 && repeats !== false && canRepeat(body, upgradesOf(this.#model));
  }

  #askedOf(scan: Node): string[] {
    const isBatched = this.#opset < 9;
    return [...(isBatched ? scan.inputs.slice(0, 1) : []), ...slicedBy(scan), ...scan.outputs];
  }

  #value(name: string): Tensor | undefined {
    return this.#seen.get(name) ?? this.#model.graph.initializers.get(name);
  }

  #roundsOf(loop: Node): number {
    return this.#value(this.#counted.get(loop)!.count)!.shape[0]!;
  }

  replace(): Graph {
    const { graph } = this.#model;
    const initializers = new Map(graph.initializers);
    const nodes = graph.nodes.flatMap((node) => {
      if (!this.#nodes.has(node)) return node;
      const replacement = writtenFor(node, () => this.#replacementOf(node));
      for (const [name, tensor] of replacement.initializers) initializers.set(name, tensor);
      return replacement.nodes;
    });
    return { ...graph, nodes, initializers };
  }

  #replacementOf(node: Node): Replacement {
    if (node.op === "If") return this.#branchOf(node);
    if (node.op === "Loop") {
      const { replacement, decisions } = this.#roundsOfLoop(node);
      this.decisions.push(...decisions);
      return replacement;
    }
    const shapeOf = (name: string) => this.#value(name)!.shape;
    if (this.#opset >= 9) {
      const { body, axes } = partsOf(node);
      const isLong = shapeOf(slicedBy(node)[0]!).at(axes[0]!)! >= this.#manyRounds;
      const write = isLong && this.#canRepeat(node, body) ? repeatScan : unrollScan;
      return write(node, { shapeOf, outputs: this.#seen }, this.#opset, this.#taken);
    }
    const [given = ""] = node.inputs;
    const lengths = given === "" ? undefined : toNumbers(this.#value(given)!);
    if (given !== "") this.decisions.push({ node: node.name, op: node.op, tensor: given, by: "lengths" });
    return unrollBatchedScan(node, { shapeOf, outputs: this.#seen, lengths }, this.#opset, this.#taken);
  }

  #roundsOfLoop(loop: Node): ReturnType<typeof unrollLoop> {
    const most = this.#value(loop.inputs[0] ?? "");
    const seen = {
      rounds: this.#roundsOf(loop),
      most: most === undefined ? Number.POSITIVE_INFINITY : toNumbers(most)[0]!,
    };
    const unrolled = () => unrollLoop(loop, { ...seen, empty: this.#seen }, this.#opset, this.#taken);
    if (seen.rounds < this.#manyRounds || !this.#canRepeat(loop, bodyOf(loop))) return unrolled();
    const seenAs = (name: string) => this.#value(name);
    const outputs = this.#counted
      .get(loop)!
      .node.outputs.slice(0, -1)
      .map((name) => seenAs(name)!);
    const rounds = { ...seen, outputs, shapeOf: (name: string) => seenAs(name)?.shape };
    const isLasting = keepsItsShapes(loop.inputs.slice(2).map(seenAs), outputs);
    return isLasting ? repeatLoop(loop, rounds, this.#opset, this.#taken) : unrolled();
  }

  #branchOf(node: Node): Replacement {
    const [condition = ""] = node.inputs;
    this.decisions.push({ node: node.name, op: node.op, tensor: condition, by: "condition" });
    const branch = node.attributes[this.#value(condition)!.data[0] ? "then_branch" : "else_branch"];
    if (branch?.kind !== "graph") throw new Error("an If without its branches");
    const { nodes, initializers } = inline(branch.value, node, this.#taken, { prefixed: false });
    return { nodes: [...nodes], initializers: new Map(initializers) };
  }
}
