import { isRandom } from "../fold.ts";
import { definedNames, freshName, readsOf, subgraphsOf } from "../graph.ts";
import type { Graph, Node, Tensor } from "../model.ts";
import { renameInNode, renameTensors } from "../rename.ts";
import { withOwnOutputs } from "../repetition.ts";

/** The nodes and constants that stand in place of a node, in an order in which they can run. */
export interface Replacement {
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
}

/** Names of a body, and what they are called in the graph around it. */
type Names = ReadonlyMap<string, string>;

/**
 * The body of a Loop, a Scan or a SequenceMap, whose rounds are written one after the other. What is the same in all rounds stands in the
 * graph once. A tensor `h` of round 3 is named `h.3`.
 */
export class Body {
  readonly #graph: Graph;
  readonly #taken: Set<string>;
  readonly #varying: readonly Node[];
  readonly #fixed: Names;

  /** Adds what is the same in all rounds to `into`. `sameInputs` are the inputs that are, and what they are called around the body. */
  constructor(graph: Graph, taken: Set<string>, into: Replacement, sameInputs: Names = new Map()) {
    this.#graph = graph;
    this.#taken = taken;
    const varies = new Set(graph.inputs.flatMap(({ name }) => (sameInputs.has(name) ? [] : [name])));
    const [same, varying]: [Node[], Node[]] = [[], []];
    for (const node of graph.nodes) {
      const isFixed = !isRandom(node) && !readsOf(node).some((name) => varies.has(name));
      (isFixed ? same : varying).push(node);
      if (!isFixed) for (const output of node.outputs) varies.add(output);
    }
    this.#varying = varying;
    const fixed = new Map(sameInputs);
    for (const name of [...graph.initializers.keys(), ...namesIn(same)]) fixed.set(name, freshName(taken, name));
    this.#fixed = fixed;
    const rename = (name: string) => fixed.get(name) ?? name;
    for (const [name, tensor] of graph.initializers) into.initializers.set(rename(name), tensor);
    into.nodes.push(...same.map((node) => renameInNode(node, rename)));
  }

  /**
   * Adds the nodes of one round to `into`, and returns the names of its outputs.
   *
   * `inputs` are the names of what the round begins with, in the order of the body's inputs. `wanted` are names that outputs should have
   * if the round itself computes them, by position.
   */
  round(suffix: string, inputs: readonly string[], into: Replacement, wanted: readonly string[] = []): string[] {
    const names = new Map(this.#fixed);
    this.#graph.inputs.forEach(({ name }, i) => {
      names.set(name, inputs[i] ?? "");
    });
    const own = new Set(this.#varying.flatMap(({ outputs }) => outputs));
    this.#graph.outputs.forEach(({ name }, i) => {
      if (wanted[i] && own.has(name) && !names.has(name)) names.set(name, wanted[i]);
    });
    for (const name of namesIn(this.#varying)) {
      if (!names.has(name)) names.set(name, freshName(this.#taken, `${name}.${suffix}`));
    }
    const rename = (name: string) => names.get(name) ?? name;
    const inRound = (name: string) => (name === "" ? "" : `${name}.${suffix}`);
    into.nodes.push(...this.#varying.map((node) => renameInNode(node, rename, inRound)));
    return this.#graph.outputs.map(({ name }) => rename(name));
  }

  /** What differs from round to round, as the body of a repetition: its inputs are those that are not the same in all rounds. */
  whole(): Graph {
    const inputs = this.#graph.inputs.filter(({ name }) => !this.#fixed.has(name));
    const names = new Map(this.#fixed);
    for (const name of [...inputs.map((input) => input.name), ...namesIn(this.#varying)]) {
      names.set(name, freshName(this.#taken, name));
    }
    const varying = { ...this.#graph, inputs, nodes: this.#varying, initializers: new Map() };
    return withOwnOutputs(
      renameTensors(varying, (name) => names.get(name) ?? name),
      this.#taken,
    );
  }
}

/** The names that some nodes define, also in the graphs inside them. */
function namesIn(nodes: readonly Node[]): string[] {
  const inside = (graph: Graph): string[] => [...definedNames(graph), ...namesIn(graph.nodes)];
  const names = nodes.flatMap((node) => [...node.outputs, ...subgraphsOf(node).flatMap(inside)]);
  return [...new Set(names)].filter((name) => name !== "");
}
