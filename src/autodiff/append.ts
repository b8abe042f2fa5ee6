import { withoutBatch } from "../base/index.ts";
import { allNames, filled, freshName, type Graph, renameTensors, type Tensor, type ValueInfo } from "../onnx/index.ts";
import { emit } from "./emit.ts";
import type { Linearization } from "./linearize.ts";
import { transpose } from "./transpose.ts";

/**
 * What is computed with a derivative: `jvp` is J·v for tangents v, `vjp` is Jᵀ·u for cotangents u, and `gradient` is Jᵀ·1, for targets
 * that are numbers.
 */
export type ProductKind = "jvp" | "vjp" | "gradient";

/** A graph that computes products with a derivative. */
export interface ProductGraph {
  readonly graph: Graph;
  /**
   * The names of its inputs for vectors: tangents in the order of the sources, or cotangents in that of the targets that are not zero by
   * structure. A gradient has none.
   */
  readonly vectors: readonly string[];
  /** The names of its outputs for products, in the order of the targets, or of the sources; `undefined` for one that is zero by structure. */
  readonly products: readonly (string | undefined)[];
}

const vectorNames: { readonly [Kind in ProductKind]: string } = {
  jvp: "tangent",
  vjp: "cotangent",
  gradient: "cotangent",
};

/**
 * The products with a derivative as a graph, whose tensors have names of their own among those that are taken. It takes the vectors, and
 * then the kept values that are no constants, by the names that they have in the pass.
 *
 * Shapes: vectors and products are [K, ...shape] with an open K, and leave out a batch axis of 1; a gradient has K = 1.
 */
export function productGraph(
  linearization: Linearization,
  kind: ProductKind,
  constants: ReadonlyMap<string, Tensor> = linearization.constants,
  taken: ReadonlySet<string> = new Set(),
): ProductGraph {
  const { program } = linearization;
  const direction = kind === "jvp" ? program : transpose(program);
  const emitted = emit(direction, constants);
  const shared = new Set([...emitted.kept, ...constants.keys()]);
  const used = new Set([...taken, ...shared]);
  const ends = new Map([
    ...emitted.inputs.map((name) => [name, vectorNames[kind]] as const),
    ...emitted.outputs.map((name) => [name, kind] as const),
  ]);
  const names = new Map<string, string>();
  for (const name of [...ends.keys(), ...allNames(emitted.model.graph)]) {
    if (name === "" || shared.has(name) || names.has(name)) continue;
    names.set(name, freshName(used, ends.get(name) ?? `${kind}/${name}`));
  }
  const rename = (name: string) => names.get(name) ?? name;
  // A slash in the name of a node would be read as that of a module.
  const graph = renameTensors(emitted.model.graph, rename, (name) => freshName(used, `${kind}.${name}`));
  const vectors = emitted.inputs.map(rename);
  const outputs = emitted.outputs.map(rename).values();
  const products = direction.targets.map((target) => (target === undefined ? undefined : outputs.next().value));
  const isVector = ({ name }: ValueInfo) => vectors.includes(name);
  const kept = graph.inputs.filter((input) => !isVector(input));
  if (kind !== "gradient") {
    const inputs = [...graph.inputs.filter(isVector), ...kept];
    return { graph: { ...graph, inputs, name: kind }, vectors, products };
  }
  const ones = direction.sources.map(({ shape }, i) => [vectors[i]!, filled([1, ...withoutBatch(shape)], 1)] as const);
  const initializers = new Map([...graph.initializers, ...ones]);
  return { graph: { ...graph, inputs: kept, initializers, name: kind }, vectors: [], products };
}

/**
 * The pass of a derivative and then its products, as one graph: it takes the inputs of the pass and the vectors.
 *
 * @param pass computes the kept values and `values`, tensors of the pass that remain outputs, before the products
 */
export function appendProduct(
  linearization: Linearization,
  kind: ProductKind,
  pass: Graph,
  values: readonly string[],
): ProductGraph {
  const taken = new Set([...allNames(pass), ...pass.nodes.map(({ name }) => name)]);
  const product = productGraph(linearization, kind, linearization.constants, taken);
  const { graph } = product;
  const kept = new Set(linearization.kept.map(({ name }) => name));
  const computed = new Set(pass.nodes.flatMap(({ outputs }) => outputs));
  return {
    ...product,
    graph: {
      name: graph.name,
      inputs: [...pass.inputs, ...graph.inputs.filter(({ name }) => !kept.has(name))],
      outputs: [...pass.outputs.filter(({ name }) => values.includes(name)), ...graph.outputs],
      nodes: [...pass.nodes, ...graph.nodes],
      // What does not depend on the point may be computed by the pass as well.
      initializers: new Map([...pass.initializers, ...graph.initializers].filter(([name]) => !computed.has(name))),
    },
  };
}
