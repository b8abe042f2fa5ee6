import type { Shape } from "../../base/index.ts";
import {
  type Attributes,
  buildModel,
  castTo,
  floatTensor,
  freshWord,
  type Graph,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  type Repetition,
  readsOf,
  repetition,
  repetitionOf,
  type Tensor,
  type TensorType,
  toNumbers,
  valueInfo,
} from "../../onnx/index.ts";
import type { Operator } from "../operator.ts";
import { operatorOf } from "../operators/index.ts";
import type { Float64Nodes } from "./form.ts";

/** The type and shape of a tensor of a graph, by its name. */
type TypeOf = (name: string) => TensorType | undefined;

/**
 * The same graph, computed in float64 between float32 inputs and outputs. In float32 the order in which a processor adds could
 * decide on which side of a kink a neuron lies. The entry of each operator says how its nodes are computed in float64.
 *
 * `typeOf` gives the types of the tensors that are not initializers. An output whose type the graph states as float64 stays as it is computed.
 */
export function inFloat64(model: OnnxModel, typeOf: TypeOf): OnnxModel {
  const { graph } = model;
  const given = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  const word = freshWord(graph, "float64");
  const writer = new Float64Writer({ given, initializers: graph.initializers, typeOf, word, around: undefined });
  for (const one of graph.nodes) writer.add(one);
  for (const { name, type } of graph.outputs) {
    if (type === "float32") writer.narrow(name, name);
    if (type === "float64") writer.keepWide(name);
  }
  const initializers = new Map([...graph.initializers, ...writer.constants]);
  return buildModel({ ...graph, nodes: [...writer.widening, ...writer.nodes], initializers }, model.opsets);
}

/** What a writer knows of the tensors of a graph. */
interface Known {
  /** The names of those that are not computed. */
  readonly given: ReadonlySet<string>;
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly typeOf: TypeOf;
  /** A word in the names of all new tensors, and in no others. */
  readonly word: string;
  /** Of a graph inside another: the writer of that one, and the names of the tensors of this one. */
  readonly around: { readonly writer: Float64Writer; readonly own: ReadonlySet<string> } | undefined;
}

/** Writes nodes in which the float32 tensor x becomes the float64 tensor x/float64. */
class Float64Writer implements Float64Nodes {
  readonly nodes: Node[] = [];
  /**
   * The casts of inputs and initializers. Of the nodes that another one reads, ONNX Runtime computes the last one first. In front of all
   * others, a cast is computed just before it is needed, and not all weights are held in float64 at once.
   */
  readonly widening: Node[] = [];
  readonly constants: Map<string, Tensor>;
  /** A word in the names of all new tensors, and in no others. */
  readonly #own: string;
  readonly #given: ReadonlySet<string>;
  readonly #initializers: ReadonlyMap<string, Tensor>;
  readonly #typeOf: TypeOf;
  readonly #around: Known["around"];
  readonly #written = new Set<string>();
  /** Shared with the graphs inside, whose names must be others. */
  readonly #ids: { next: number };

  constructor({ given, initializers, typeOf, word, around }: Known) {
    this.#own = word;
    this.#given = given;
    this.#initializers = initializers;
    this.#typeOf = (name) => initializers.get(name) ?? typeOf(name);
    this.#around = around;
    this.constants = around?.writer.constants ?? new Map();
    this.#ids = around === undefined ? { next: 0 } : around.writer.#ids;
  }

  add(one: Node): void {
    const { float64 = "kernel" } = operatorOf(one) ?? { float64: "none" };
    const parts = float64 === "inside" ? repetitionOf(one) : undefined;
    if (parts?.body.values !== undefined) this.#inside(one, parts);
    else if (typeof float64 === "function" && this.#isFloat(one.outputs[0]!)) {
      const written = float64(this, one);
      if (written === undefined) this.#between(one);
      else this.#once("Identity", [written], this.#wideName(one.outputs[0]!));
    } else if (float64 === "none" || float64 === "inside") this.#between(one);
    else this.#widened(one, float64);
  }

  /** The name of the tensor in float32: its own if it is an input or initializer, otherwise that of a cast. */
  narrow(name: string, as: string): string {
    if (this.#isAround(name)) return this.#around!.writer.narrow(name, as);
    if (this.#given.has(name)) return name;
    return this.#once("Cast", [this.#wideName(name)], as, castTo("float32"));
  }

  wide(name: string): string {
    if (this.#isAround(name)) return this.#around!.writer.wide(name);
    const wide = this.#wideName(name);
    if (!this.#given.has(name)) return wide;
    return this.#once("Cast", [name], wide, castTo("float64"), this.widening);
  }

  /** The tensor in float64, under its own name. */
  keepWide(name: string): void {
    this.#once("Identity", [this.wide(name)], name);
  }

  shape(name: string): Shape {
    return this.#typeOf(name)!.shape;
  }

  node(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.#once(op, inputs, `${this.#own}/${op}${this.#ids.next++}`, attributes);
  }

  ints(values: readonly number[]): string {
    const name = `${this.#own}/ints_${values.join("_")}`;
    this.constants.set(name, intTensor(values));
    return name;
  }

  number(value: number): string {
    const name = `${this.#own}/number_${value}`;
    this.constants.set(name, { ...floatTensor([], []), type: "float64", data: Float64Array.of(value) });
    return name;
  }

  constant(tensor: Tensor): string {
    const name = `${this.#own}/constant${this.#ids.next++}`;
    this.constants.set(name, tensor);
    return name;
  }

  numbers(name: string): number[] | undefined {
    if (name === "") return [];
    const tensor = this.#initializers.get(name);
    return tensor && toNumbers(tensor);
  }

  /** Adds the node with float64 inputs and outputs, but for those outputs that its kernel gives in float32. */
  #widened(one: Node, float64: Operator["float64"]): void {
    const inputs = one.inputs.map((name) => (this.#isFloat(name) ? this.wide(name) : name));
    const isNarrow = (i: number) => float64 === "first output" && i > 0;
    const outputs = one.outputs.map((name, i) => {
      if (!this.#isFloat(name)) return name;
      return isNarrow(i) ? this.#rounded(name) : this.#wideName(name);
    });
    // The attribute `to` names the type of the output.
    const isCast = one.attributes.to !== undefined && this.#isFloat(one.outputs[0]!);
    this.nodes.push({ ...one, inputs, outputs, attributes: isCast ? castTo("float64") : one.attributes });
    one.outputs.forEach((name, i) => {
      if (isNarrow(i) && this.#isFloat(name))
        this.#once("Cast", [outputs[i]!], this.#wideName(name), castTo("float64"));
    });
  }

  /** Adds a repetition whose nodes are computed in float64. */
  #inside(one: Node, { states, sliced, body, isReverse }: Repetition): void {
    const { values = new Map<string, TensorType>() } = body;
    const own = new Set([...body.inputs.map(({ name }) => name), ...body.nodes.flatMap(({ outputs }) => outputs)]);
    const typeOf = (name: string) => values.get(name) ?? this.#typeOf(name);
    const around = { writer: this, own };
    const inner = new Float64Writer({
      given: new Set(),
      initializers: this.#initializers,
      typeOf,
      word: this.#own,
      around,
    });
    for (const node of body.nodes) inner.add(node);
    const widened = (ends: Graph["inputs"]) =>
      ends.map((end) => {
        const { type, shape } = typeOf(end.name)!;
        return type === "float32" ? valueInfo(this.#wideName(end.name), "float64", shape) : end;
      });
    const round = { ...body, inputs: widened(body.inputs), outputs: widened(body.outputs), nodes: inner.nodes };
    const wide = (name: string) => (this.#isFloat(name) ? this.wide(name) : name);
    const outputs = one.outputs.map((name) => (this.#isFloat(name) ? this.#wideName(name) : name));
    const parts = { states: states.map(wide), sliced: sliced.map(wide), isReverse, outputs };
    this.nodes.push(repetition({ ...parts, body: round }, one.name));
  }

  /** Whether a tensor is one of the graph around this one. */
  #isAround(name: string): boolean {
    return this.#around?.own.has(name) === false;
  }

  /** Adds a node unchanged, between casts to float32 and back. What its subgraphs read keeps its name in float32. */
  #between(one: Node): void {
    for (const name of readsOf({ ...one, inputs: [] })) if (this.#isFloat(name)) this.narrow(name, name);
    const inputs = one.inputs.map((name) =>
      this.#isFloat(name) ? this.narrow(name, `${name}/${this.#own}/narrow`) : name,
    );
    const outputs = one.outputs.map((name) => (this.#isFloat(name) ? this.#rounded(name) : name));
    this.nodes.push({ ...one, inputs, outputs });
    one.outputs.forEach((name, i) => {
      if (this.#isFloat(name)) this.#once("Cast", [outputs[i]!], this.#wideName(name), castTo("float64"));
    });
  }

  #wideName(name: string): string {
    return `${name}/${this.#own}`;
  }

  #rounded(name: string): string {
    return `${name}/${this.#own}/rounded`;
  }

  #isFloat(name: string): boolean {
    return name !== "" && this.#typeOf(name)?.type === "float32";
  }

  #once(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Attributes = {},
    into: Node[] = this.nodes,
  ): string {
    if (!this.#written.has(output))
      into.push(node({ op, inputs, outputs: [output], attributes, name: `${this.#own}/${output}` }));
    this.#written.add(output);
    return output;
  }
}
