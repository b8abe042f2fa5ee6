import { type OnnxModel, toNumbers } from "../../src/onnx/index.ts";

/** A Llama in plain float64, from its definition and the weights of its file. States are [tokens][width]. */
export interface Llama {
  readonly blocks: number;
  embed(ids: readonly number[]): Float64Array[];
  /** The states after the blocks from `first` on, up to `last` (exclusive). */
  run(states: readonly Float64Array[], first: number, last: number): Float64Array[];
  /** The scores of all pieces at one state. */
  readOut(state: Float64Array): Float64Array;
}

const HEADS = 8;
const KEY_HEADS = 4;
const EPSILON = 1e-5;

/** @see Touvron et al. 2023, "LLaMA"; Su et al. 2021 (rotary positions); Ainslie et al. 2023 (grouped keys) */
export function llamaOf({ graph: { initializers } }: OnnxModel): Llama {
  const weights = new Map([...initializers].map(([name, tensor]) => [name, Float64Array.from(toNumbers(tensor))]));
  const weight = (name: string) => weights.get(name)!;
  const table = weight("embedding");
  const width = weight("norm.weight").length;
  const blocks = [...weights.keys()].filter((name) => name.endsWith(".q.weight")).length;

  /** x·W, W [length of x, columns] */
  const times = (x: Float64Array, name: string) => {
    const w = weight(name);
    const columns = w.length / x.length;
    const y = new Float64Array(columns);
    x.forEach((entry, i) => {
      for (let column = 0; column < columns; column++) y[column]! += entry * w[i * columns + column]!;
    });
    return y;
  };
  const normed = (x: Float64Array, name: string) => {
    const root = Math.sqrt(x.reduce((sum, entry) => sum + entry * entry, 0) / x.length + EPSILON);
    return x.map((entry, i) => (entry / root) * weight(name)[i]!);
  };
  const plus = (a: Float64Array, b: Float64Array) => a.map((entry, i) => entry + b[i]!);

  /** Turns the pairs of entries of each head by angles that grow with the token's place. */
  const turned = (x: Float64Array, place: number, heads: number) => {
    const y = x.slice();
    const size = x.length / heads;
    for (let at = 0; at < x.length; at += 2) {
      const angle = place * 10000 ** (-(at % size) / size);
      y[at] = x[at]! * Math.cos(angle) - x[at + 1]! * Math.sin(angle);
      y[at + 1] = x[at]! * Math.sin(angle) + x[at + 1]! * Math.cos(angle);
    }
    return y;
  };

  const attention = (states: readonly Float64Array[], block: string) => {
    const inner = states.map((state) => normed(state, `${block}.attn.norm.weight`));
    const queries = inner.map((x, place) => turned(times(x, `${block}.q.weight`), place, HEADS));
    const keys = inner.map((x, place) => turned(times(x, `${block}.k.weight`), place, KEY_HEADS));
    const values = inner.map((x) => times(x, `${block}.v.weight`));
    const size = width / HEADS;
    return queries.map((query, place) => {
      const mixed = new Float64Array(width);
      for (let head = 0; head < HEADS; head++) {
        const start = Math.floor((head * KEY_HEADS) / HEADS) * size;
        const scores = keys.slice(0, place + 1).map((key) => {
          let total = 0;
          for (let i = 0; i < size; i++) total += query[head * size + i]! * key[start + i]!;
          return total / Math.sqrt(size);
        });
        const highest = Math.max(...scores);
        const shares = scores.map((score) => Math.exp(score - highest));
        const sum = shares.reduce((total, share) => total + share, 0);
        shares.forEach((share, other) => {
          for (let i = 0; i < size; i++) mixed[head * size + i]! += (share / sum) * values[other]![start + i]!;
        });
      }
      return times(mixed, `${block}.o.weight`);
    });
  };

  const perceptron = (state: Float64Array, block: string) => {
    const x = normed(state, `${block}.mlp.norm.weight`);
    const [gate, up] = [times(x, `${block}.gate.weight`), times(x, `${block}.up.weight`)];
    return times(
      gate.map((entry, i) => (entry / (1 + Math.exp(-entry))) * up[i]!),
      `${block}.down.weight`,
    );
  };

  return {
    blocks,
    embed: (ids) => ids.map((id) => table.slice(id * width, (id + 1) * width)),
    run(states, first, last) {
      let all = [...states];
      for (let at = first; at < last; at++) {
        const block = `block${at}`;
        const mixed = attention(all, block);
        all = all.map((state, place) => plus(state, mixed[place]!));
        all = all.map((state) => plus(state, perceptron(state, block)));
      }
      return all;
    },
    readOut(state) {
      const x = normed(state, "norm.weight");
      return Float64Array.from({ length: table.length / width }, (_, piece) => {
        let total = 0;
        for (let i = 0; i < width; i++) total += x[i]! * table[piece * width + i]!;
        return total;
      });
    },
  };
}
