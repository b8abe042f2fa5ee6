import { readAttributes, toNumbers } from "../build.ts";
import { allNames, definedNames, readsOf, subgraphsOf, withGraph } from "../graph.ts";
import type { Decision, Graph, Node, OnnxModel, Tensor } from "../model.ts";
import { Body } from "./body.ts";
import { drawnIn } from "./decide.ts";
import type { Observe, Unrolled } from "./observe.ts";
import { Steps } from "./steps.ts";

const OTHER = /^(Sequence|Optional|SplitToSequence|ConcatFromSequence)/;
const isOther = ({ domain, op }: Node): boolean => domain === "" && OTHER.test(op);

/** Whether a graph, or one inside it, has nodes that read or make what is no tensor. */
export const hasOtherThanTensors = (graph: Graph): boolean =>
  graph.nodes.some((node) => isOther(node) || subgraphsOf(node).some(hasOtherThanTensors));

/** What is known of a name that is no tensor: the tensors of a sequence, the tensor of an optional, or that an optional is empty. */
type Known = readonly string[] | { readonly tensor: string } | "empty";

const isSequence = (known: Known | undefined): known is readonly string[] => Array.isArray(known);

/** The inputs of a node whose values or shapes must be seen. */
function lookedAt({ op, inputs }: Node): string[] {
  if (op === "SplitToSequence") return inputs.slice(0, 2);
  if (op === "SequenceInsert") return inputs.slice(2, 3);
  return op === "SequenceAt" || op === "SequenceErase" ? inputs.slice(1, 2) : [];
}

/**
 * The model without sequences and optionals: what is taken out of one is the tensor that was put in. Those that come from an input, or
 * out of control flow, stay.
 */
export async function reduceSequences(model: OnnxModel, opset: number, observe: Observe): Promise<Unrolled> {
  const { graph } = model;
  if (!graph.nodes.some(isOther)) return { model, decisions: [] };
  const asked = new Set(
    graph.nodes
      .filter(isOther)
      .flatMap(lookedAt)
      .filter((name) => name !== ""),
  );
  const reduction = new Reduction(model, opset, await observe(model, [...asked]));
  const nodes = graph.nodes.flatMap((node) => reduction.step(node));
  const { reduced, initializers, decisions } = reduction;
  const kept = withoutUnread(nodes, graph, reduced);
  if (kept.length === graph.nodes.length && kept.every((node, i) => node === graph.nodes[i])) {
    return { model, decisions: [] };
  }
  return { model: withGraph(model, { nodes: kept, initializers }), decisions };
}

/** The nodes without those that may go and whose outputs nothing reads. */
function withoutUnread(nodes: readonly Node[], { outputs }: Graph, mayGo: ReadonlySet<Node>): Node[] {
  const read = new Set(outputs.map(({ name }) => name));
  const kept = nodes.toReversed().filter((node) => {
    if (mayGo.has(node) && !node.outputs.some((output) => read.has(output))) return false;
    for (const name of readsOf(node)) read.add(name);
    return true;
  });
  return kept.reverse();
}

class Reduction {
  readonly initializers: Map<string, Tensor>;
  readonly decisions: Decision[] = [];
  /** The nodes that something stands in place of. */
  readonly reduced = new Set<Node>();
  readonly #known = new Map<string, Known>();
  readonly #seen: ReadonlyMap<string, Tensor>;
  readonly #opset: number;
  readonly #taken: Set<string>;
  readonly #drawn: ReadonlySet<string>;

  constructor({ graph }: OnnxModel, opset: number, seen: ReadonlyMap<string, Tensor>) {
    this.initializers = new Map(graph.initializers);
    this.#seen = new Map([...graph.initializers, ...seen]);
    this.#opset = opset;
    this.#drawn = drawnIn(graph);
    const others = { ...graph, nodes: graph.nodes.filter(({ op }) => op !== "SequenceMap") };
    this.#taken = new Set([...allNames(others), ...definedNames(graph)]);
  }

  /** The nodes in place of one; the node itself too where what it makes is no tensor, for those that cannot do without. */
  step(node: Node): Node[] {
    if (node.domain !== "") return [node];
    const steps = new Steps(node, this.#opset, this.#taken);
    const made = this.#reduce(node, steps);
    if (made === undefined) return [node];
    this.reduced.add(node);
    for (const [name, tensor] of steps.into.initializers) this.initializers.set(name, tensor);
    made.forEach((known, i) => {
      if (known !== undefined && node.outputs[i]) this.#known.set(node.outputs[i], known);
    });
    return made.some((known) => known !== undefined) ? [node, ...steps.into.nodes] : steps.into.nodes;
  }

  /** What the outputs are, if no tensors; `undefined` for a node that stays. */
  #reduce(node: Node, steps: Steps): readonly (Known | undefined)[] | undefined {
    const { op, inputs, outputs } = node;
    const [input = ""] = inputs;
    const [output = ""] = outputs;
    const known = this.#known.get(input);
    switch (op) {
      case "SequenceEmpty":
        return [[]];
      case "SequenceConstruct":
        return [inputs];
      case "SequenceInsert": {
        if (!isSequence(known)) return undefined;
        const at = this.#position(node, inputs[2], known.length, known.length);
        return at === undefined ? undefined : [known.toSpliced(at, 0, inputs[1]!)];
      }
      case "SequenceErase": {
        if (!isSequence(known)) return undefined;
        const at = this.#position(node, inputs[1], known.length, known.length - 1);
        return at === undefined ? undefined : [known.toSpliced(at, 1)];
      }
      case "SequenceAt": {
        const at = isSequence(known) ? this.#position(node, inputs[1], known.length, 0) : undefined;
        if (!isSequence(known) || at === undefined) return undefined;
        steps.alias(known[at]!, output);
        return [];
      }
      case "SequenceLength":
        if (!isSequence(known)) return undefined;
        steps.constant("", { type: "int64", shape: [], data: BigInt64Array.of(BigInt(known.length)) }, output);
        return [];
      case "SplitToSequence":
        return this.#split(node, steps);
      case "ConcatFromSequence": {
        if (!isSequence(known)) return undefined;
        const read = readAttributes(node.attributes);
        if (read.int("new_axis", 0) === 1) steps.stack(known, read.int("axis", 0), output);
        else steps.concat(known, read.int("axis", 0), output);
        return [];
      }
      case "SequenceMap":
        return this.#map(node, steps);
      case "Identity":
        return known === undefined ? undefined : [known];
      case "Optional":
        return [input === "" ? "empty" : (known ?? { tensor: input })];
      case "OptionalHasElement": {
        const has: Tensor = { type: "bool", shape: [], data: Uint8Array.of(input === "" || known === "empty" ? 0 : 1) };
        steps.constant("", has, output);
        return [];
      }
      case "OptionalGetElement":
        if (known === "empty") return undefined;
        if (isSequence(known)) return [known];
        steps.alias(known?.tensor ?? input, output);
        return [];
      default:
        return undefined;
    }
  }

  /** A place in a sequence, counted from its end if negative. */
  #position({ name, op }: Node, tensor = "", length: number, otherwise: number): number | undefined {
    if (tensor === "") return otherwise;
    const value = this.#seen.get(tensor);
    if (value === undefined || this.#drawn.has(tensor)) return undefined;
    this.decisions.push({ node: name, op, tensor, by: "position" });
    const [at = 0] = toNumbers(value);
    return at < 0 ? at + length : at;
  }

  #split(node: Node, steps: Steps): readonly (Known | undefined)[] | undefined {
    const { name, op, inputs, attributes } = node;
    const [x = "", sizes = ""] = inputs;
    const shape = this.#seen.get(x)?.shape;
    if (shape === undefined) return undefined;
    const read = readAttributes(attributes);
    const axis = read.int("axis", 0) < 0 ? read.int("axis", 0) + shape.length : read.int("axis", 0);
    const extent = shape[axis]!;
    if (sizes === "") {
      return [read.int("keepdims", 1) === 0 ? steps.unstack(x, axis, extent) : steps.split(x, axis, ones(extent))];
    }
    const given = this.#seen.get(sizes);
    if (given === undefined || this.#drawn.has(sizes)) return undefined;
    this.decisions.push({ node: name, op, tensor: sizes, by: "lengths" });
    const numbers = toNumbers(given);
    return [steps.split(x, axis, given.shape.length === 0 ? inPieces(extent, numbers[0]!) : numbers)];
  }

  /** A body applied to the entries of sequences, and to tensors that are the same for all of them. */
  #map(node: Node, steps: Steps): readonly (Known | undefined)[] | undefined {
    const { inputs, outputs, attributes } = node;
    const { body } = attributes;
    const first = this.#known.get(inputs[0] ?? "");
    if (body?.kind !== "graph" || !isSequence(first)) return undefined;
    const copies = new Body(body.value, this.#taken, steps.into);
    const rounds = first.map((_, i) => {
      const at = inputs.map((name) => {
        const known = this.#known.get(name);
        return isSequence(known) ? known[i]! : name;
      });
      return copies.round(`${i}`, at, steps.into);
    });
    return outputs.map((_, position) => rounds.map((round) => round[position]!));
  }
}

const ones = (length: number): number[] => new Array<number>(length).fill(1);

/** Pieces of one size; the last may be smaller. */
const inPieces = (extent: number, size: number): number[] =>
  Array.from({ length: Math.ceil(extent / size) }, (_, i) => Math.min(size, extent - i * size));
