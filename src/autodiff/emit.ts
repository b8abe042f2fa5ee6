import { sameShape, withoutBatch } from "../base/index.ts";
import {
  type Attributes,
  buildModel,
  filled,
  floatTensor,
  freshName,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../onnx/index.ts";
import { linearOps } from "./linear-ops/table.ts";
import type { AnyStep, Definition, LinearOp, LinearProgram, LinearVar, StepEmitter } from "./program.ts";

/** An emitted program: a graph whose inputs and outputs have the block axis K as their first axis. */
export interface EmittedProgram {
  readonly model: OnnxModel;
  /** The names of the graph's inputs for tangents, in the order of the program's sources. */
  readonly inputs: readonly string[];
  /** The names of the graph's outputs, in the order of those targets of the program that are not zero. */
  readonly outputs: readonly string[];
  /** The names of the inputs for kept values, which depend on the point of linearization. */
  readonly kept: readonly string[];
}

/**
 * Writes a program as an ONNX graph. Operands that are constants become initializers; the others become inputs.
 *
 * Shapes: tangents are float32 [K, ...shape]. If the shape starts with a batch axis of 1, K takes its place: [1, C, H, W] is held as
 * [K, C, H, W], and convolutions run without reshapes. K is symbolic, so one graph serves blocks of any size.
 */
export function emit(program: LinearProgram, constants: ReadonlyMap<string, Tensor>): EmittedProgram {
  const graph = new GraphWriter(constants, program);
  const inputs = program.sources.map((source, i) => graph.source(source, `v${i}`));
  const implicit = implicitBroadcasts(program);
  for (const step of program.steps) {
    if (implicit.has(step.output.id)) graph.alias(step.output, step.inputs[0]!);
    else graph.define(step.output, (linearOps[step.op] as Definition<LinearOp>).emit(graph.at(step), step));
  }
  const targets = program.targets.filter((target) => target !== undefined);
  const outputs = targets.map((target, i) => graph.output(target, `y${i}`));
  const tangent = (name: string, { shape }: LinearVar) => valueInfo(name, "float32", ["K", ...withoutBatch(shape)]);
  const model = buildModel({
    inputs: [...program.sources.map((source, i) => tangent(inputs[i]!, source)), ...graph.kept.values()],
    outputs: targets.map((target, i) => tangent(outputs[i]!, target)),
    nodes: graph.nodes,
    initializers: graph.initializers,
  });
  return { model, inputs, outputs, kept: [...graph.kept.keys()] };
}

/** Broadcasts that are only multiplied by factors of the full shape. They need no node, because ONNX's Mul broadcasts itself. */
function implicitBroadcasts({ steps, targets }: LinearProgram): Set<number> {
  const broadcasts = steps.filter(({ op, inputs: [x], output }) => {
    const sameForm = x!.shape.length === output.shape.length && x!.shape[0] === output.shape[0];
    return op === "broadcast" && sameForm;
  });
  const wanted = new Set(broadcasts.map(({ output }) => output.id));
  for (const target of targets) if (target !== undefined) wanted.delete(target.id);
  for (const { op, inputs, operands } of steps) {
    for (const { id, shape } of inputs) {
      if (op !== "scale" || !sameShape(operands[0]!.shape, shape)) wanted.delete(id);
    }
  }
  return wanted;
}

class GraphWriter {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly kept = new Map<string, ReturnType<typeof valueInfo>>();
  readonly #constants: ReadonlyMap<string, Tensor>;
  readonly #names = new Map<number, string>();
  /** The names of operands, which keep theirs, and of what is written here. */
  readonly #taken: Set<string>;
  readonly #helpers = new Map<string, string>();

  constructor(constants: ReadonlyMap<string, Tensor>, { steps }: LinearProgram) {
    this.#constants = constants;
    this.#taken = new Set(steps.flatMap(({ operands }) => operands.map(({ name }) => name)));
  }

  source(x: LinearVar, wanted: string): string {
    const name = freshName(this.#taken, wanted);
    this.define(x, name);
    return name;
  }

  define(x: LinearVar, name: string): void {
    this.#names.set(x.id, name);
  }

  alias(x: LinearVar, other: LinearVar): void {
    this.define(x, this.#names.get(other.id)!);
  }

  output(x: LinearVar, wanted: string): string {
    const name = freshName(this.#taken, wanted);
    this.nodes.push(node({ op: "Identity", inputs: [this.#names.get(x.id)!], outputs: [name] }));
    return name;
  }

  node(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = freshName(this.#taken, `t${this.nodes.length}`);
    this.nodes.push(node({ op, inputs, outputs: [output], attributes }));
    return output;
  }

  #constant(name: string, tensor: Tensor): string {
    this.initializers.set(name, tensor);
    return name;
  }

  /** A constant of the emission itself, which may be used several times. */
  #helper(wanted: string, tensor: Tensor): string {
    const name = this.#helpers.get(wanted) ?? freshName(this.#taken, wanted);
    this.#helpers.set(wanted, name);
    return this.#constant(name, tensor);
  }

  at(step: AnyStep): StepEmitter {
    const variable = (i: number) => (i < 0 ? step.output : step.inputs[i]!);
    const emitter: StepEmitter = {
      input: (i = 0) => this.#names.get(variable(i).id)!,
      isStripped: (i = 0) => withoutBatch(variable(i).shape) !== variable(i).shape,
      fullInput: (i = 0) =>
        emitter.isStripped(i) ? emitter.reshape(emitter.input(i), variable(i).shape) : emitter.input(i),
      operand: (i = 0) => {
        const { name, shape, type } = step.operands[i]!;
        const constant = this.#constants.get(name);
        if (constant !== undefined) return this.#constant(name, constant);
        this.kept.set(name, valueInfo(name, type, shape));
        return name;
      },
      node: (op, inputs, attributes) => this.node(op, inputs, attributes),
      ints: (values) => this.#helper(`ints_${values.join("_")}`, intTensor(values)),
      zeros: (shape) => this.#helper(`zeros_${shape.join("_")}`, filled(shape, 0)),
      scalar: (value) => this.#helper(`scalar_${value}`, floatTensor([], [value])),
      reshape: (name, shape) => this.node("Reshape", [name, emitter.ints([0, ...shape])]),
      fromFull: (name) => (emitter.isStripped(-1) ? emitter.reshape(name, withoutBatch(step.output.shape)) : name),
      toOutput: (name) => this.node("Reshape", [name, emitter.ints([-1, ...withoutBatch(step.output.shape)])]),
    };
    return emitter;
  }
}
