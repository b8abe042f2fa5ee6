import { sameShape } from "../base/index.ts";
import type { Decided, Model, Structure, Tensor } from "../onnx/index.ts";
import type { Backend, Executable } from "../runtime/index.ts";

/** The most structures that are held beside the first; beyond, the one that was used least recently is forgotten. */
const MOST = 16;

type Feeds = Readonly<Record<string, Tensor>>;

/** A network as it is where its decisions are these. */
interface Variant<N> {
  readonly structure: Structure;
  readonly network: N;
  /** Computes the decisions at a point; absent until it is needed. */
  deciding?: Executable | undefined;
}

/** The networks that one file is at different points, because values of its inputs decide its structure. */
export class Variants<N> {
  readonly #backend: Backend;
  readonly #make: (model: Model) => N;
  readonly #first: Variant<N>;
  /** The most recently used first. */
  #others: Variant<N>[] = [];

  /** `first` is the network of `structure`, and `make` makes the one of another. */
  constructor(structure: Structure, first: N, backend: Backend, make: (model: Model) => N) {
    this.#first = { structure, network: first };
    this.#backend = backend;
    this.#make = make;
  }

  /**
   * The network at a point. Those that are known are asked first: one is right if all its decisions are the same at the point. Up to the
   * first that differs, its decisions are right too, so that others which made them otherwise need not be asked.
   *
   * @throws PushforwardError what `normalize` throws at the point
   */
  async at(feeds: Feeds): Promise<N> {
    let candidates = [this.#first, ...this.#others];
    for (let [one] = candidates; one !== undefined; [one] = candidates) {
      const { decisions } = one.structure;
      const values = await this.#decide(one, feeds);
      const end = decisions.findIndex(({ value }, i) => !isSame(value, values[i]));
      if (end < 0) return this.#use(one);
      const right = new Map(decisions.slice(0, end + 1).map(({ tensor }, i) => [tensor, values[i]]));
      candidates = candidates.slice(1).filter(({ structure }) => !contradicts(structure.decisions, right));
    }
    const { structure = this.#first.structure, ...fixed } = await this.#first.structure.at(
      new Map(Object.entries(feeds)),
    );
    // A decision may lie on its edge, where two passes round it differently.
    const twin = [this.#first, ...this.#others].find((other) =>
      isAlike(other.structure.decisions, structure.decisions),
    );
    return this.#use(twin ?? { structure, network: this.#make(fixed) });
  }

  async #use(one: Variant<N>): Promise<N> {
    if (one !== this.#first) {
      const others = [one, ...this.#others.filter((other) => other !== one)];
      this.#others = others.slice(0, MOST);
      for (const old of others.slice(MOST)) await old.deciding?.release();
    }
    return one.network;
  }

  /** The tensors that decide, as far as they can be computed at the point. */
  async #decide(one: Variant<N>, feeds: Feeds): Promise<(Tensor | undefined)[]> {
    const { deciding } = one.structure;
    const names = deciding.graph.outputs.map(({ name }) => name);
    const outputs = deciding.graph.outputs.filter(({ name }) => feeds[name] === undefined);
    let computed: Feeds = {};
    if (outputs.length > 0) {
      one.deciding ??= await this.#backend.compile({ ...deciding, graph: { ...deciding.graph, outputs } });
      const fetches = outputs.map(({ name }) => name);
      // Behind a decision that differs, shapes may not fit each other.
      computed = await one.deciding.run(feeds, fetches).catch(() => ({}));
    }
    return names.map((name) => feeds[name] ?? computed[name]);
  }

  /** Frees what is compiled. It is compiled again where it is needed. */
  async forget(): Promise<void> {
    for (const one of [this.#first, ...this.#others]) {
      await one.deciding?.release();
      one.deciding = undefined;
    }
  }
}

const isSame = (a: Tensor, b: Tensor | undefined): boolean =>
  b !== undefined &&
  sameShape(a.shape, b.shape) &&
  Array.from(a.data as ArrayLike<unknown>).every((value, i) => Object.is(value, b.data[i]));

/** Whether decisions rest on other values of tensors than these. */
const contradicts = (decisions: readonly Decided[], right: ReadonlyMap<string, Tensor | undefined>): boolean =>
  decisions.some(({ tensor, value }) => right.get(tensor) !== undefined && !isSame(value, right.get(tensor)));

const isAlike = (a: readonly Decided[], b: readonly Decided[]): boolean =>
  a.length === b.length && a.every(({ tensor, value }, i) => tensor === b[i]!.tensor && isSame(value, b[i]!.value));
