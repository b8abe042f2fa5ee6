import { inFloat64, linearize, nodesBetween, type Reach, reachOf, type UnsupportedNode } from "../autodiff/index.ts";
import { PushforwardError, sizeOf } from "../base/index.ts";
import { inputsBehind, type Model, type Tensor } from "../onnx/index.ts";
import { type Backend, CompiledCache, evaluateWith } from "../runtime/index.ts";
import { costWithMemory } from "./cost.ts";
import { feedsAt, feedsDeciding, inputStates, inputsDeciding, type NetworkInput, type Point } from "./feed.ts";
import { Jacobian } from "./jacobian.ts";
import { kinksIn } from "./kinks.ts";
import { endsOf, linearizeBetween } from "./linearize-between.ts";
import { whereNotFinite } from "./not-finite.ts";
import { compileObservation, observe } from "./observe.ts";
import { takePart } from "./part.ts";
import { bytesOf, type CompiledProducts, compileProducts } from "./products.ts";
import { sameTap } from "./same-tap.ts";
import { findTaps, resolveTap, type Tap } from "./taps.ts";
import { Variants } from "./variants.ts";

/** The most bytes of weights in the compiled graphs of a network; beyond, those that were used least recently are released. */
const MOST_BYTES = 2 ** 30;

/** A model by its content, whatever its path. */
export interface ModelIdentity {
  /** The hash of the file, or of the file and all external data that is read, if it has any. */
  readonly sha256: string;
  /** The hash of the file alone, if it has external data. */
  readonly fileSha256?: string;
}

export interface NetworkOptions {
  /** The file that it comes from, which errors name. */
  readonly file?: string;
  /** By the content of the ONNX file and of all external data that it refers to. */
  readonly identity?: ModelIdentity;
  /** Bytes of weights that compiled graphs may hold together. */
  readonly mostBytes?: number;
  /** Compiled graphs that it shares with another network. */
  readonly compiled?: CompiledCache<CompiledProducts>;
}

/** Tells compiled graphs of networks that share them apart. */
let count = 0;

export interface JacobianOptions {
  /** Where to linearize: the input that pictures go to, or values of inputs by name. */
  readonly at: Point;
  /** Source tap, or its name, also with indices (`x[0,7]`); the network's input unless given. */
  readonly from?: string | Tap;
  /** Target tap, or its name, also with indices; the network's output unless given. */
  readonly to?: string | Tap;
  readonly apart?: boolean;
  /**
   * Awaited before each run of a product, of which a block takes several: lets other work go first. What it throws ends the product, and
   * a solve with it.
   */
  readonly beforeRun?: () => Promise<void>;
}

/** The pass from one tap to another, compiled. The caller releases it. */
export interface ForwardPass {
  /** The value of the target where the source has this value instead of its own at the point, [target size]. */
  at(point: Point, value: Float32Array): Promise<Float32Array>;
  release(): Promise<void>;
}

/** A normalized network on a backend, with its inputs, its taps, and the Jacobians between them. */
export class Network {
  readonly model: Model;
  readonly backend: Backend;
  /** Empty for a network that was not read from a file, and so is the hash of its identity. */
  readonly file: string;
  readonly identity: ModelIdentity;
  readonly taps: readonly Tap[];
  /** The inputs of the file, in its order. */
  readonly inputs: readonly NetworkInput[];
  readonly #id = count++;
  readonly #reaches = new Map<string, Reach>();
  readonly #compiled: CompiledCache<CompiledProducts>;
  /** `undefined` for a network that is the same at every point. */
  readonly #variants: Variants<Network> | undefined;

  constructor(model: Model, backend: Backend, options: NetworkOptions = {}) {
    const { file = "", identity = { sha256: "" }, mostBytes = MOST_BYTES, compiled } = options;
    this.model = model;
    this.backend = backend;
    this.file = file;
    this.identity = identity;
    this.inputs = inputStates(model);
    this.taps = findTaps(model, this.#main);
    this.#compiled = compiled ?? new CompiledCache(mostBytes);
    const { structure } = model;
    if (structure === undefined) return;
    const make = (fixed: Model) => new Network(fixed, backend, { ...options, compiled: this.#compiled });
    this.#variants = new Variants<Network>(structure, this, backend, make);
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
    const needed = [...inputsBehind(this.model.onnx.graph, [tap.tensor]), ...inputsDeciding(this.model)];
    const behind = new Set(needed.map(({ name }) => name));
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
    return this.file === "" ? {} : { file: this.file };
  }

  /**
   * The tap of this name. Indices after it select some of its entries, as in NumPy and on the axes that the tensor has in the file:
   * `block4.out[0,7]`, `logits[0,3]`, `x[0,2:5]`.
   *
   * @throws PushforwardError `tap-unknown` with the nearest names; `usage` for indices that cannot be read; `shape-mismatch` for
   * indices that the tensor does not have
   */
  tap(name: string): Tap {
    return resolveTap(this.model, this.taps, name, { main: this.#main, ...this.#place });
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
   * J(from → to) at a point, as a linear operator. It is linearized and compiled the first time that it is asked for, and then each point
   * costs one pass through the network. `apart` keeps the values of each node separate, for `exchanged`.
   *
   * @throws PushforwardError `op-unsupported` naming all nodes without a rule; `tap-unknown`, also if `to` does not follow `from`;
   * `usage` for a source that holds no floats, and for an input without a value; `shape-mismatch` if the point does not fit;
   * `not-finite` that names the first node, where the target's value has a NaN
   */
  async jacobian(options: JacobianOptions): Promise<Jacobian> {
    const { at, from = this.source, to = this.output, apart = false, beforeRun } = options;
    const there = await this.at(at);
    if (there !== this) {
      const [source, target] = [from, to].map((tap) => this.#same(tap, there));
      return there.jacobian({ ...options, from: source!, to: target! });
    }
    const [source, target] = [this.#tapOf(from), this.#tapOf(to)];
    this.requireFloats(source);
    const name = `${this.#id}: ${keyOf(source)} → ${keyOf(target)}${apart ? ", apart" : ""}`;
    const ends = `${source.name} → ${target.name}`;
    const compile = () => this.#compile(source, target, apart);
    const { linearization, kept } = await this.#compiled.use(
      name,
      compile,
      async ({ linearization, pass, products }) => {
        const kept = await pass(this.feeds(at, [target.tensor]));
        await products().catch((cause: unknown) => {
          for (const tensor of Object.values(kept)) tensor.dispose();
          throw cause;
        });
        return { linearization, kept };
      },
    );
    const whereNotFinite = () => this.#whereNotFinite(at, source, target);
    try {
      const value = this.#entries(target, (await kept[target.tensor]!.read()).data as Float32Array);
      if (value.some(Number.isNaN)) throw await whereNotFinite();
      return new Jacobian({
        source: source.shape,
        target: target.shape,
        productCost: costWithMemory(this.model, source, target, linearization.program),
        algebra: this.backend.algebra,
        linearization,
        use: (work) => this.#compiled.use(name, () => compileProducts(this.backend, linearization, ends, apart), work),
        kept,
        value,
        kinks: await kinksIn(this.model, this.taps, linearization, kept),
        whereNotFinite,
        beforeRun,
      });
    } catch (cause) {
      for (const tensor of Object.values(kept)) tensor.dispose();
      throw cause;
    }
  }

  #tapOf(tap: string | Tap): Tap {
    return typeof tap === "string" ? this.tap(tap) : tap;
  }

  /**
   * The network at a point. It is this one, unless values of inputs decide its structure (`model.structure`) and do so otherwise at the
   * point: then it has a graph and taps of its own.
   *
   * @throws PushforwardError what `normalize` throws at the point, and `usage` for inputs without a value that decide
   */
  async at(point: Point): Promise<Network> {
    if (this.#variants === undefined) return this;
    return this.#variants.at(this.#placed(() => feedsDeciding(this.model, point)));
  }

  #same(tap: string | Tap, there: Network): Tap {
    return sameTap(tap, this, there, this.#place);
  }

  async #compile(from: Tap, to: Tap, apart: boolean): Promise<CompiledProducts> {
    const evaluate = evaluateWith(this.backend);
    const linearization = await linearizeBetween(this.model, { from, to, apart }, evaluate, this.#place);
    await this.#compiled.makeRoom(bytesOf(linearization));
    return compileProducts(this.backend, linearization, `${from.name} → ${to.name}`, apart);
  }

  async #whereNotFinite(point: Point, from: Tap, to: Tap): Promise<PushforwardError> {
    const inputs = this.model.onnx.graph.inputs.map(({ name }) => name);
    const nodes = nodesBetween(this.model, { sources: inputs, targets: [to.tensor] });
    const tensors = nodes
      .flatMap(({ outputs }) => outputs)
      .filter((name) => this.model.values.get(name)?.type === "float32");
    const [values = []] = await this.#observe([point], tensors);
    const byName = new Map(tensors.map((name, i) => [name, values[i]!]));
    const { kept: keptBy, slopes } = await this.#keptApart(point, from, to);
    const error = whereNotFinite({ nodes, values: byName, kept: slopes, keptBy });
    return error.at({ ...this.#place, tap: to.name });
  }

  /** What J(from → to) keeps at a point, node by node, where that of several nodes is joined otherwise. */
  async #keptApart(point: Point, from: Tap, to: Tap) {
    const evaluate = evaluateWith(this.backend);
    const ends = { from, to, apart: true };
    const { kept, primal, typeOf } = await linearizeBetween(this.model, ends, evaluate, this.#place);
    const feeds = new Map(Object.entries(this.feeds(point, [to.tensor])));
    const names = kept.filter(({ type }) => type === "float32").map(({ name }) => name);
    const values = names.length === 0 ? [] : await evaluate(inFloat64(primal, typeOf), feeds, names);
    const slopes = new Map([...values].map(([name, { data }]) => [name, data as Float32Array]));
    return { kept, slopes };
  }

  /** Whether J(from → to) is the same at every point, as between linear layers; told without compiling it. */
  async isConstant(from: Tap, to: Tap): Promise<boolean> {
    return (await linearize(this.model, endsOf(from, to), evaluateWith(this.backend))).kept.length === 0;
  }

  /** Frees what is compiled. It is compiled again where it is needed. */
  async forget(): Promise<void> {
    await this.#variants?.forget();
    await this.#compiled.clear();
  }

  /** Frees all that the runtime holds; nothing of this network can be computed afterwards. A second time does nothing. */
  async close(): Promise<void> {
    await this.forget();
    await this.backend.dispose();
  }

  /** The values of taps at a point, [tap size] each. */
  async forward(point: Point, taps: readonly Tap[]): Promise<Float32Array[]> {
    const there = await this.at(point);
    const own = there === this ? taps : taps.map((tap) => this.#same(tap, there));
    const [values = []] = await there.#observe([point], tensorsOf(own));
    return own.map((tap, i) => there.#entries(tap, values[i]!));
  }

  /** The value of one tap at each of several points, [tap size] each. */
  async forwardAll(points: readonly Point[], tap: Tap): Promise<Float32Array[]> {
    if (this.#variants !== undefined) {
      const values: Float32Array[] = [];
      for (const point of points) values.push(...(await this.forward(point, [tap])));
      return values;
    }
    return (await this.#observe(points, [tap.tensor])).map(([value]) => this.#entries(tap, value!));
  }

  /** The value of a tap where another one before it has each of some values instead of its own at a point: [tap size] each. */
  async forwardFrom(point: Point, from: Tap, values: readonly Float32Array[], to: Tap): Promise<Float32Array[]> {
    const there = await this.at(point);
    if (there !== this) return there.forwardFrom(point, this.#same(from, there), values, this.#same(to, there));
    const feeds = this.feeds(point, [from.tensor, to.tensor]);
    const type = this.model.values.get(from.tensor)!;
    const all = values.map((data) => ({ ...feeds, [from.tensor]: { ...type, data } as Tensor }));
    const found = await observe(this.model, this.backend, [to.tensor], all, from.tensor);
    return found.map(([value]) => this.#entries(to, value!));
  }

  /**
   * Compiles the pass from a tap to another, for points that are given one after another. Where values of inputs decide the structure of the
   * network, it is compiled anew at each point.
   */
  async forwardPass(from: Tap, to: Tap): Promise<ForwardPass> {
    if (this.#variants !== undefined) {
      return {
        at: async (point, value) => (await this.forwardFrom(point, from, [value], to))[0]!,
        release: async () => {},
      };
    }
    const held = from.tensor;
    const { at, release } = await compileObservation(this.model, this.backend, [to.tensor], { held, runs: "often" });
    const type = this.model.values.get(held)!;
    return {
      at: async (point, data) => {
        const feeds = { ...this.feeds(point, [held, to.tensor]), [held]: { ...type, data } as Tensor };
        return this.#entries(to, (await at(feeds))[0]!);
      },
      release,
    };
  }

  /** Sets how many bytes of weights compiled graphs may hold together, and releases what is too much. */
  limitCompiled(bytes: number): Promise<void> {
    return this.#compiled.limit(bytes);
  }

  /** The entries of a tap among those of its tensor. */
  #entries({ tensor, part }: Tap, value: Float32Array): Float32Array {
    return part === undefined ? value : takePart(value, this.model.values.get(tensor)!.shape, part);
  }

  /** [points][tensors] */
  #observe(points: readonly Point[], tensors: readonly string[]): Promise<Float32Array[][]> {
    const feeds = points.map((point) => this.feeds(point, tensors));
    return observe(this.model, this.backend, tensors, feeds);
  }

  /**
   * What to feed the network at a point for the values of some tensors.
   *
   * @throws PushforwardError `usage` for an input without a value on which they depend; `shape-mismatch` if a value does not fit
   */
  feeds(point: Point, tensors: readonly string[] = outputsOf(this.model)): Record<string, Tensor> {
    return this.#placed(() => feedsAt(this.model, point, tensors));
  }

  /** What `make` gives; its errors name the file. */
  #placed<T>(make: () => T): T {
    try {
      return make();
    } catch (cause) {
      throw cause instanceof PushforwardError ? cause.at(this.#place) : cause;
    }
  }
}

const outputsOf = ({ onnx: { graph } }: Model): string[] => graph.outputs.map(({ name }) => name);

const tensorsOf = (taps: readonly Tap[]): string[] => taps.map(({ tensor }) => tensor);

const keyOf = ({ tensor, part }: Tap): string => `${tensor}${part?.text ?? ""}`;
