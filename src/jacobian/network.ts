import { linearize, nodesBetween, type Reach, reachOf, type UnsupportedNode } from "../autodiff/index.ts";
import { PushforwardError, sizeOf } from "../base/index.ts";
import { inputsBehind, type Model, nodesBehind, type Tensor } from "../onnx/index.ts";
import { type Backend, evaluateWith } from "../runtime/index.ts";
import { type CompiledJacobian, compileSessions, PREFERRED_ROWS, rowsPerRun } from "./compiled-jacobian.ts";
import { costWithMemory } from "./cost.ts";
import { feedsAt, inputStates, type NetworkInput, type Point } from "./feed.ts";
import { JacobianOperator } from "./jacobian-operator.ts";
import { kinksIn } from "./kinks.ts";
import { whereNotFinite } from "./not-finite.ts";
import { findTaps, resolveTap, type Tap } from "./taps.ts";

/** A normalized network on a backend, with its taps and the Jacobians between them. */
export class Network {
  readonly model: Model;
  readonly backend: Backend;
  readonly taps: readonly Tap[];
  /** The inputs of the file, in its order. */
  readonly inputs: readonly NetworkInput[];
  readonly #file: string | undefined;
  readonly #reaches = new Map<string, Reach>();

  constructor(model: Model, backend: Backend, file?: string) {
    this.model = model;
    this.backend = backend;
    this.#file = file;
    this.inputs = inputStates(model);
    this.taps = findTaps(model, this.#main);
  }

  get #main(): string | undefined {
    return this.inputs.find(({ state }) => state === "pictures")?.name;
  }

  /**
   * The input that pictures go to: the first without a given value that the outputs depend on, one of floats before others.
   *
   * @throws PushforwardError `model-invalid` if the outputs depend on no input
   */
  get input(): Tap {
    const main = this.taps.find(({ tensor }) => tensor === this.#main);
    if (main !== undefined) return main;
    throw new PushforwardError("model-invalid", {
      what: "The outputs of the network depend on no input.",
      where: this.#place,
      fix: "Export the network with its input.",
    });
  }

  /** The tap from which derivatives are taken: the input, or the first tensor of floats behind an input of another type. */
  get source(): Tap {
    const { input } = this;
    if (this.isFloat(input)) return input;
    const { graph } = this.model.onnx;
    const isBehind = ({ tensor }: Tap) => inputsBehind(graph, [tensor]).some(({ name }) => name === input.tensor);
    return this.taps.find((tap) => tap !== input && this.isFloat(tap) && isBehind(tap)) ?? input;
  }

  isFloat({ tensor }: Tap): boolean {
    return this.model.values.get(tensor)!.type === "float32";
  }

  /**
   * @throws PushforwardError `usage` for a source that holds no floats: by those nothing can be differentiated
   */
  requireFloats(from: Tap): void {
    if (this.isFloat(from)) return;
    const { name } = this.source;
    throw new PushforwardError("usage", {
      what: `"${from.name}" holds ${this.model.values.get(from.tensor)!.type}: there is no derivative by it.`,
      where: { ...this.#place, tap: from.name },
      fix:
        name === from.name
          ? "A network that computes with floats is needed."
          : `Take the derivative by the first tensor of floats: --from ${name} (in the library: from).`,
    });
  }

  /** The inputs that a tap depends on and that have no value: with them it can be computed. */
  missing(tap: Tap): NetworkInput[] {
    const behind = new Set(inputsBehind(this.model.onnx.graph, [tap.tensor]).map(({ name }) => name));
    return this.inputs.filter(
      ({ name, value, state }) => behind.has(name) && value === undefined && state !== "pictures",
    );
  }

  /** The tap of the first output that moves with the input; the last tap that does, where no output is one of floats. */
  get output(): Tap {
    const { source } = this;
    const moving = (tap: Tap) => tap.op !== "Input" && this.moves(source, tap);
    const outputs = this.model.onnx.graph.outputs.flatMap(
      ({ name }) => this.taps.find((tap) => tap.tensor === name) ?? [],
    );
    return outputs.find(moving) ?? this.taps.findLast(moving) ?? source;
  }

  /** Classes that the output scores: its entries where it is a list of at least two, [C] or [C, 1, 1], and can be computed; else 0. */
  get classCount(): number {
    const { output } = this;
    const count = sizeOf(output.shape);
    return count > 1 && output.shape.includes(count) && this.missing(output).length === 0 ? count : 0;
  }

  get #place() {
    return this.#file === undefined ? {} : { file: this.#file };
  }

  /** @throws PushforwardError `tap-unknown` with the nearest names */
  tap(name: string): Tap {
    return resolveTap(this.model, this.taps, name, { main: this.#main, file: this.#file });
  }

  /** The nodes between two taps that cannot be differentiated, with the reasons; empty if J(from → to) can be computed. */
  unsupported(from: Tap, to: Tap): readonly UnsupportedNode[] {
    return this.#reachOf(from).unsupported(to.tensor);
  }

  /** Whether J(from → to) has entries that are not zero by structure; behind unsupported nodes, whether it may have. */
  moves(from: Tap, to: Tap): boolean {
    return this.#reachOf(from).moves(to.tensor);
  }

  #reachOf({ tensor }: Tap): Reach {
    const reach = this.#reaches.get(tensor) ?? reachOf(this.model, [tensor]);
    this.#reaches.set(tensor, reach);
    return reach;
  }

  /**
   * Linearizes between two taps and compiles J and Jᵀ. `apart` keeps the values of each node separate, for `exchanged`.
   *
   * @throws PushforwardError `op-unsupported` naming all nodes without a rule, `tap-unknown` if `to` does not follow `from`
   */
  async compile(from: Tap, to: Tap, { apart = false } = {}): Promise<CompiledJacobian> {
    this.requireFloats(from);
    const options = { sources: [from.tensor], targets: [to.tensor], apart };
    const linearization = await linearize(this.model, options, evaluateWith(this.backend)).catch((cause: unknown) => {
      throw cause instanceof PushforwardError ? cause.at({ ...this.#place, tap: to.name }) : cause;
    });
    const { program } = linearization;
    if (program.targets[0] === undefined) {
      throw new PushforwardError("tap-unknown", {
        what: `"${to.name}" does not depend on "${from.name}": no path leads from one to the other.`,
        where: { ...this.#place, tap: to.name },
        fix: "Choose a target after the source; `pushforward inspect` lists the taps in order.",
      });
    }
    const cost = costWithMemory(this.model, from, to, program);
    const { jvp, vjp, primal, release } = await compileSessions(this.backend, linearization);
    const keep = (point: Point) =>
      primal.run(
        this.feeds(point, [to.tensor]),
        linearization.primal.graph.outputs.map(({ name }) => name),
      );
    const notFinite = async (point: Point, kept: Readonly<Record<string, Tensor>>) => {
      const nodes = nodesBetween(this.model, {
        sources: this.model.onnx.graph.inputs.map(({ name }) => name),
        targets: [to.tensor],
      });
      const tensors = nodes
        .flatMap(({ outputs }) => outputs)
        .filter((name) => this.model.values.get(name)?.type === "float32");
      const [values = []] = await this.#observe([point], tensors);
      const byName = new Map(tensors.map((name, i) => [name, values[i]!]));
      const error = whereNotFinite({ nodes, values: byName, kept: arraysOf(kept), keptBy: linearization.kept });
      return error.at({ ...this.#place, tap: to.name });
    };
    return {
      from,
      to,
      linearization,
      isConstant: linearization.kept.length === 0,
      factors: [...new Set(linearization.kept.flatMap(({ of }) => of ?? []))],
      at: async (point) => {
        const kept = await keep(point);
        const value = kept[to.tensor]!.data as Float32Array;
        if (value.some(Number.isNaN)) throw await notFinite(point, kept);
        return new JacobianOperator({
          source: from.shape,
          target: to.shape,
          preferredRows: PREFERRED_ROWS,
          productCost: cost,
          rowsPerRun: rowsPerRun(program),
          algebra: this.backend.algebra,
          linearization,
          kept,
          jvp,
          vjp,
          value,
          kinks: kinksIn(this.model, this.taps, linearization, kept),
        });
      },
      whereNotFinite: async (point) => notFinite(point, await keep(point)),
      release,
    };
  }

  /** Whether J(from → to) is the same at every point, as between linear layers; told without compiling it. */
  async isConstant(from: Tap, to: Tap): Promise<boolean> {
    const ends = { sources: [from.tensor], targets: [to.tensor] };
    return (await linearize(this.model, ends, evaluateWith(this.backend))).kept.length === 0;
  }

  /** The values of taps at a point, [tap size] each. */
  async forward(point: Point, taps: readonly Tap[]): Promise<Float32Array[]> {
    return (await this.#observe([point], tensorsOf(taps)))[0]!;
  }

  /** The value of one tap at each of several points, [tap size] each. */
  async forwardAll(points: readonly Point[], tap: Tap): Promise<Float32Array[]> {
    return (await this.#observe(points, [tap.tensor])).map(([value]) => value!);
  }

  /** [points][tensors]: the numbers of each tensor, which may be an input. */
  async #observe(points: readonly Point[], tensors: readonly string[]): Promise<Float32Array[][]> {
    const { graph } = this.model.onnx;
    const fetches = tensors.filter((name) => !graph.inputs.some((input) => input.name === name));
    const outputs = fetches.map((name) => ({ name, ...this.model.values.get(name)! }));
    const nodes = nodesBehind(graph.nodes, fetches);
    const executable =
      fetches.length === 0
        ? undefined
        : await this.backend.compile({ ...this.model.onnx, graph: { ...graph, nodes, outputs } });
    try {
      const all: Float32Array[][] = [];
      for (const point of points) {
        const feeds = this.feeds(point, tensors);
        const values = { ...feeds, ...(await executable?.run(feeds, fetches)) };
        all.push(tensors.map((name) => values[name]!.data as Float32Array));
      }
      return all;
    } finally {
      await executable?.release();
    }
  }

  /**
   * What to feed the network at a point for the values of some tensors.
   *
   * @throws PushforwardError `usage` for an input without a value on which they depend; `shape-mismatch` if a value does not fit
   */
  feeds(point: Point, tensors: readonly string[] = outputsOf(this.model)): Record<string, Tensor> {
    try {
      return feedsAt(this.model, point, tensors);
    } catch (cause) {
      throw cause instanceof PushforwardError ? cause.at(this.#place) : cause;
    }
  }
}

const outputsOf = ({ onnx: { graph } }: Model): string[] => graph.outputs.map(({ name }) => name);

const tensorsOf = (taps: readonly Tap[]): string[] => taps.map(({ tensor }) => tensor);

/** The numbers of float tensors, by name. */
const arraysOf = (tensors: Readonly<Record<string, Tensor>>): Map<string, Float32Array> =>
  new Map(Object.entries(tensors).flatMap(([name, { data }]) => (data instanceof Float32Array ? [[name, data]] : [])));
