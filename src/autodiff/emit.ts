import { type Shape, sameShape, withoutBatch } from "../base/index.ts";
import {
  type Attributes,
  buildModel,
  filled,
  floatTensor,
  freshName,
  type Graph,
  int,
  ints,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../onnx/index.ts";
import { emitTiles } from "./linear-ops/shape.ts";
import { linearOps } from "./linear-ops/table.ts";
import type { AnyStep, Definition, LinearOp, LinearProgram, LinearVar, Operand, Step, StepEmitter } from "./program.ts";

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
  const graph = new GraphWriter(program, { constants, taken: namesIn(program) });
  const inputs = program.sources.map((source, i) => graph.source(source, `v${i}`));
  graph.write();
  const targets = program.targets.filter((target) => target !== undefined);
  const outputs = targets.map((target, i) => graph.output(target, `y${i}`));
  const model = buildModel({
    inputs: [...program.sources.map((source, i) => tangentInfo(inputs[i]!, source)), ...graph.kept.values()],
    outputs: targets.map((target, i) => tangentInfo(outputs[i]!, target)),
    nodes: graph.nodes,
    initializers: graph.initializers,
  });
  return { model, inputs, outputs, kept: [...graph.kept.keys()] };
}

const tangentInfo = (name: string, { shape }: LinearVar) => valueInfo(name, "float32", ["K", ...withoutBatch(shape)]);

/** The names of the operands of a program, and of those of the programs that it holds. */
function namesIn({ steps }: LinearProgram): Set<string> {
  const within = (step: AnyStep) => (step.op === "repeat" ? [...namesIn(step.attributes.round)] : []);
  return new Set(steps.flatMap((step) => [...step.operands.map(({ name }) => name), ...within(step)]));
}

/**
 * Broadcasts that are only multiplied by factors of the full shape, or added to another tangent. They need no node, because ONNX's
 * operators broadcast themselves.
 */
function implicitBroadcasts({ steps, targets }: LinearProgram): Set<number> {
  const broadcasts = steps.filter(({ op, inputs: [x], output }) => {
    const sameForm = x!.shape.length === output.shape.length && x!.shape[0] === output.shape[0];
    return op === "broadcast" && sameForm;
  });
  const wanted = new Set(broadcasts.map(({ output }) => output.id));
  for (const target of targets) if (target !== undefined) wanted.delete(target.id);
  for (const { op, inputs, operands } of steps) {
    for (const { id, shape } of inputs) {
      const isScaled = op === "scale" && sameShape(operands[0]!.shape, shape);
      const isAdded = op === "add" && inputs.length === 2 && !inputs.every((term) => wanted.has(term.id));
      if (!isScaled && !isAdded) wanted.delete(id);
    }
  }
  return wanted;
}

/** Negations that are only a term of a sum of two, which is then a difference. */
function negations({ steps, targets }: LinearProgram): Set<number> {
  const uses = new Map<number, number>();
  for (const x of [...steps.flatMap(({ inputs }) => inputs), ...targets]) {
    if (x !== undefined) uses.set(x.id, (uses.get(x.id) ?? 0) + 1);
  }
  const negative = new Set(
    steps
      .filter(
        ({ op, attributes, output }) => op === "multiply" && attributes.factor === -1 && uses.get(output.id) === 1,
      )
      .map(({ output }) => output.id),
  );
  const terms = steps.filter(({ op, inputs }) => op === "add" && inputs.length === 2).map(({ inputs }) => inputs);
  return new Set(terms.flatMap((pair) => pair.find(({ id }) => negative.has(id))?.id ?? []));
}

/** The slices of a tangent, by its id, where they are all along one axis and tile it. */
function tiledSlices({ steps }: LinearProgram): Map<number, Step<"slice">[]> {
  const slices = new Map<number, Step<"slice">[]>();
  for (const step of steps) {
    if (step.op !== "slice") continue;
    const { id } = step.inputs[0]!;
    const known = slices.get(id);
    if (known) known.push(step);
    else slices.set(id, [step]);
  }
  return new Map([...slices].filter(([, tiles]) => areTiles(tiles)).map(([id, tiles]) => [id, tiles] as const));
}

/** Sorts slices of one tangent by where they start; whether they lie side by side, from its first entry to its last. */
function areTiles(slices: Step<"slice">[]): boolean {
  const [
    {
      inputs,
      attributes: { axis },
    },
  ] = slices as [Step<"slice">];
  let end = 0;
  for (const { attributes } of slices.sort((a, b) => a.attributes.start - b.attributes.start)) {
    if (attributes.axis !== axis || attributes.start !== end) return false;
    end += attributes.size;
  }
  return slices.length > 1 && end === inputs[0]!.shape.at(axis);
}

/** Where the names and constants of a graph come from. */
interface Around {
  readonly constants: ReadonlyMap<string, Tensor>;
  /** The names of operands, which keep theirs, and of what is written. */
  readonly taken: Set<string>;
  /** Of a graph inside another: the writer of that one, and the operands that the graph has as inputs of its own. */
  readonly writer?: GraphWriter;
  readonly own?: ReadonlySet<string>;
}

class GraphWriter {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly kept = new Map<string, ReturnType<typeof valueInfo>>();
  readonly #program: LinearProgram;
  readonly #around: Around;
  readonly #names = new Map<number, string>();
  readonly #taken: Set<string>;
  readonly #helpers = new Map<string, string>();
  readonly #transposed = new Map<string, string>();
  readonly #zeros = new Map<string, string>();
  /** What is held with the other sign. */
  readonly negated: ReadonlySet<number>;

  constructor(program: LinearProgram, around: Around) {
    this.#program = program;
    this.#around = around;
    this.#taken = around.taken;
    this.negated = negations(program);
  }

  /** Writes all steps. */
  write(): void {
    const implicit = new Set([...implicitBroadcasts(this.#program), ...this.negated]);
    const tiled = tiledSlices(this.#program);
    for (const step of this.#program.steps) {
      const tiles = step.op === "slice" ? tiled.get(step.inputs[0]!.id) : undefined;
      if (implicit.has(step.output.id)) this.define(step.output, this.#names.get(step.inputs[0]!.id)!);
      else if (tiles === undefined) {
        this.define(step.output, (linearOps[step.op] as Definition<LinearOp>).emit(this.at(step), step));
      } else if (!this.#names.has(step.output.id)) {
        const names = emitTiles((tile) => this.at(tile as AnyStep), tiles);
        for (const [i, { output }] of tiles.entries()) this.define(output, names[i]!);
      }
    }
  }

  source(x: LinearVar, wanted: string): string {
    const name = freshName(this.#taken, wanted);
    this.define(x, name);
    return name;
  }

  define(x: LinearVar, name: string): void {
    this.#names.set(x.id, name);
  }

  output(x: LinearVar, wanted: string): string {
    return this.#copy(this.#names.get(x.id)!, wanted);
  }

  #copy(of: string, wanted: string): string {
    const name = freshName(this.#taken, wanted);
    this.nodes.push(node({ op: "Identity", inputs: [of], outputs: [name] }));
    return name;
  }

  node(op: string, inputs: readonly string[], attributes: Attributes = {}, outputs = 1): string[] {
    const id = this.nodes.length;
    const names = Array.from({ length: outputs }, (_, i) =>
      freshName(this.#taken, outputs === 1 ? `t${id}` : `t${id}_${i}`),
    );
    this.nodes.push(node({ op, inputs, outputs: names, attributes }));
    return names;
  }

  #operand({ name, shape, type }: Operand): string {
    const { constants, writer, own } = this.#around;
    if (own?.has(name)) return name;
    if (writer !== undefined) return writer.#operand({ name, shape, type });
    const constant = constants.get(name);
    if (constant !== undefined) this.initializers.set(name, constant);
    else this.kept.set(name, valueInfo(name, type, shape));
    return name;
  }

  #transposedOnce(name: string, perm: readonly number[]): string {
    const { writer, own } = this.#around;
    if (writer !== undefined && !own?.has(name)) return writer.#transposedOnce(name, perm);
    const key = `${perm} ${name}`;
    const known = this.#transposed.get(key) ?? this.node("Transpose", [name], { perm: ints(perm) })[0]!;
    this.#transposed.set(key, known);
    return known;
  }

  /** A constant of the emission itself, which may be used several times. */
  #helper(wanted: string, tensor: Tensor): string {
    const { writer } = this.#around;
    if (writer !== undefined) return writer.#helper(wanted, tensor);
    const name = this.#helpers.get(wanted) ?? freshName(this.#taken, wanted);
    this.#helpers.set(wanted, name);
    this.initializers.set(name, tensor);
    return name;
  }

  /** Zeros for as many vectors as another tangent has. */
  #zeroTangent(shape: Shape, like: string): string {
    const key = `${shape}`;
    const made = this.#zeros.get(key) ?? this.#newZeros(shape, like);
    this.#zeros.set(key, made);
    return made;
  }

  #newZeros(shape: Shape, like: string): string {
    const [rows] = this.node("Shape", [like], { end: int(1) });
    const own = withoutBatch(shape);
    const [whole] = this.node("Concat", [rows!, this.#helper(`ints_${own.join("_")}`, intTensor(own))], {
      axis: int(0),
    });
    return this.node("ConstantOfShape", [whole!])[0]!;
  }

  /** A program inside this graph, for as many vectors as a tangent of this graph has; it reads `around` it what has a name there. */
  #body(
    program: LinearProgram,
    ofRound: readonly Operand[],
    around: ReadonlyMap<LinearVar, string>,
    like: string,
  ): Graph {
    const own = new Set(ofRound.map(({ name }) => name));
    const inner = new GraphWriter(program, {
      constants: this.#around.constants,
      taken: this.#taken,
      writer: this,
      own,
    });
    for (const [x, name] of around) inner.define(x, name);
    const inputs = program.sources.map((source) => tangentInfo(inner.source(source, "r"), source));
    inner.write();
    const outputs = program.targets.map((target, i) => {
      if (target !== undefined) return tangentInfo(inner.output(target, "s"), target);
      const state = program.sources[i]!;
      return tangentInfo(inner.#copy(this.#zeroTangent(state.shape, like), "s"), state);
    });
    const parts = ofRound.map(({ name, type, shape }) => valueInfo(name, type, shape));
    return { name: "round", inputs: [...inputs, ...parts], outputs, nodes: inner.nodes, initializers: new Map() };
  }

  at(step: AnyStep): StepEmitter {
    const variable = (i: number) => (i < 0 ? step.output : step.inputs[i]!);
    const emitter: StepEmitter = {
      input: (i = 0) => this.#names.get(variable(i).id)!,
      isStripped: (i = 0) => withoutBatch(variable(i).shape) !== variable(i).shape,
      fullInput: (i = 0) =>
        emitter.isStripped(i) ? emitter.reshape(emitter.input(i), variable(i).shape) : emitter.input(i),
      operand: (i = 0) => this.#operand(step.operands[i]!),
      isNegated: (i) => this.negated.has(variable(i).id),
      transposedOperand: (i, perm) => this.#transposedOnce(emitter.operand(i), perm),
      node: (op, inputs, attributes) => this.node(op, inputs, attributes)[0]!,
      nodes: (op, inputs, outputs, attributes) => this.node(op, inputs, attributes, outputs),
      ints: (values) => this.#helper(`ints_${values.join("_")}`, intTensor(values)),
      zeros: (shape) => this.#helper(`zeros_${shape.join("_")}`, filled(shape, 0)),
      scalar: (value) => this.#helper(`scalar_${value}`, floatTensor([], [value])),
      reshape: (name, shape) => emitter.node("Reshape", [name, emitter.ints([0, ...shape])]),
      fromFull: (name) => (emitter.isStripped(-1) ? emitter.reshape(name, withoutBatch(step.output.shape)) : name),
      toOutput: (name) => emitter.node("Reshape", [name, emitter.ints([-1, ...withoutBatch(step.output.shape)])]),
      zeroTangent: (shape) => this.#zeroTangent(shape, emitter.input()),
      body: (program, ofRound, around) => this.#body(program, ofRound, around, emitter.input()),
    };
    return emitter;
  }
}
