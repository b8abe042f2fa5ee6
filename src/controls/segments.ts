import { PushforwardError } from "../base/index.ts";
import { type DataType, type Graph, type Model, nodesBehind, readsOf, type Tensor } from "../onnx/index.ts";
import type { Backend, Executable } from "../runtime/index.ts";
import { OTHER_KINDS } from "./kinds.ts";
import type { Product, Products } from "./products.ts";

/** The part of a graph from the products before to one product, compiled. */
export interface Segment {
  readonly product: Product;
  /** The tensors that it reads from earlier segments and from the inputs of the graph. */
  readonly reads: readonly string[];
  /** The tensors that it computes and that later segments read, and its product. */
  readonly computes: readonly string[];
  /** The tensors that no later segment reads. */
  readonly ends: readonly string[];
  readonly executable: Executable;
}

/**
 * The graph in segments, each of which ends with a product, so that a run of all of them computes every node once.
 *
 * @throws PushforwardError `op-unsupported` if something other than a tensor leads from one segment to another
 */
export async function compileSegments(
  model: Model,
  { graph, products }: Products,
  backend: Backend,
): Promise<Segment[]> {
  const parts = cut(graph, products);
  const readBy = parts.map(({ nodes }) => new Set(nodes.flatMap(readsOf)));
  const segments: Segment[] = [];
  for (const [i, { product, nodes }] of parts.entries()) {
    const own = new Set(nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== ""));
    const later = new Set(readBy.slice(i + 1).flatMap((names) => [...names]));
    const all = [...readBy[i]!];
    const reads = all.filter((name) => !own.has(name) && !graph.initializers.has(name));
    const computes = [...own].filter((name) => name === product.tensor || later.has(name));
    const ends = [...reads, ...computes].filter((name) => !later.has(name));
    const typed = (name: string) => ({ name, type: typeOf(name, model, { graph, products }), shape: undefined });
    const initializers = new Map([...graph.initializers].filter(([name]) => readBy[i]!.has(name)));
    const inner = { name: graph.name, inputs: reads.map(typed), outputs: computes.map(typed), nodes, initializers };
    const executable = await backend.compile({ ...model.onnx, graph: inner });
    segments.push({ product, reads, computes, ends, executable });
  }
  return segments;
}

/** @throws PushforwardError `op-unsupported` for what is not a tensor */
function typeOf(name: string, { values }: Model, { graph, products }: Products): DataType {
  const known = values.get(name);
  if (known !== undefined) return known.type;
  if (products.some(({ tensor }) => tensor === name)) return "float32";
  const { name: node, op } = graph.nodes.find(({ outputs }) => outputs.includes(name))!;
  throw new PushforwardError("op-unsupported", {
    what: `A control of the kind matched is computed layer by layer, and "${name}" between two layers is not a tensor.`,
    where: { node, op },
    fix: OTHER_KINDS,
  });
}

/** The nodes that lead to a product, in graph order, cut behind each product. */
function cut(graph: Graph, products: readonly Product[]): { product: Product; nodes: Graph["nodes"] }[] {
  const nodes = nodesBehind(
    graph.nodes,
    products.map(({ tensor }) => tensor),
  );
  let from = 0;
  return products.map((product) => {
    const to = nodes.findIndex(({ name }) => name === product.node) + 1;
    const own = nodes.slice(from, to);
    from = to;
    return { product, nodes: own };
  });
}

/** The values that later segments read, at one point. */
export type Live = Map<string, Tensor>;

/** Runs a segment at one point, and returns its product, which is the one in `live` if a later segment reads it. */
export async function runSegment({ product, reads, computes, ends, executable }: Segment, live: Live): Promise<Tensor> {
  const values = await executable.run(Object.fromEntries(reads.map((name) => [name, live.get(name)!])), computes);
  for (const name of computes) live.set(name, values[name]!);
  for (const name of ends) live.delete(name);
  return values[product.tensor]!;
}
