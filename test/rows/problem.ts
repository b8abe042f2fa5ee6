import { createRng, type Rng, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  buildModel,
  floatTensor,
  type Model,
  type Node,
  node,
  OPSET,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { interpret } from "../reference/interpret.ts";
import { type Array64, fromTensor } from "../reference/tensor.ts";
import { attributesOf } from "./attributes.ts";
import type { GraphRow, OpRow, Row, RowInput, Sampler } from "./row.ts";

/** A row made concrete: its model, a point, and what to differentiate by what. */
export interface Problem {
  readonly model: Model;
  /** Values of the graph's inputs, float32. */
  readonly point: ReadonlyMap<string, Tensor>;
  readonly sources: readonly string[];
  readonly targets: readonly string[];
}

/** The model and the point of a row; one seed gives one point. */
export function problemOf(row: Row, seed = 0): Problem {
  const rng = createRng("row", seed);
  const initializers = new Map<string, Tensor>();
  const point = new Map<string, Tensor>();
  for (const [name, input] of Object.entries(row.in)) {
    if (input === null) continue;
    const isGiven = "data" in input;
    const tensor = isGiven ? input : draw(rng, input, row.from ?? "gaussian");
    (isGiven || row.weights?.includes(name) ? initializers : point).set(name, tensor);
  }
  const nodes =
    "op" in row
      ? [
          nodeOf({
            op: row.op,
            domain: row.domain ?? "",
            in: Object.entries(row.in).map(([name, input]) => (input === null ? "" : name)),
            out: Array.from({ length: row.outputs ?? 1 }, (_, i) => `Y${i}`),
            attrs: row.attrs ?? {},
          }),
        ]
      : row.nodes.map((part) => nodeOf(part));
  const targets = "op" in row ? nodes[0]!.outputs : row.targets;
  const inputs = [...point].map(([name, { type, shape }]) => valueInfo(name, type, shape));
  const bare = { name: "row", inputs, outputs: [], nodes, initializers };
  const values = interpret(bare, to64(point));
  const outputs = targets.map((name) => valueInfo(name, values.get(name)!.type, values.get(name)!.shape));
  const built = buildModel({ ...bare, outputs }, row.opset ?? OPSET);
  const others = nodes.flatMap(({ domain }) => (domain === "" ? [] : [[domain, 1] as const]));
  const onnx = { ...built, opsets: new Map([...built.opsets, ...others]) };
  const model: Model = { onnx, values: new Map([...values].map(([name, { type, shape }]) => [name, { type, shape }])) };
  return { model, point, sources: row.by ?? [Object.keys(row.in)[0]!], targets };
}

/** A node of a row; a Scan stays one. */
export function nodeOf({
  op,
  domain = "",
  in: inputs,
  out,
  attrs,
}: GraphRow["nodes"][number] & Pick<OpRow, "domain">): Node {
  const made = node({ op, domain, inputs, outputs: out, attributes: attributesOf(attrs) });
  return op === "Scan" ? { ...made, repeats: true } : made;
}

export const to64 = (tensors: ReadonlyMap<string, Tensor>): Map<string, Array64> =>
  new Map([...tensors].map(([name, tensor]) => [name, fromTensor(tensor)]));

/** Lowest value and width of each range that `away-from-kinks` draws from. */
const MAGNITUDES: readonly (readonly [number, number])[] = [
  [0.2, 0.2],
  [1.2, 1],
  [3.2, 1],
];

function draw(rng: Rng, input: Exclude<RowInput, Tensor | null>, otherwise: Sampler): Tensor {
  const { shape, from } = "from" in input ? input : { shape: input as Shape, from: otherwise };
  const count = sizeOf(shape);
  const sign = () => (rng.uniform() < 0.5 ? -1 : 1);
  const samplers: Record<Sampler, (i: number) => number> = {
    gaussian: () => rng.gaussian(),
    positive: () => 0.5 + 1.5 * rng.uniform(),
    "above-one": () => 1.2 + rng.uniform(),
    unit: () => 1.8 * rng.uniform() - 0.9,
    "away-from-kinks": () => {
      const [low, width] = MAGNITUDES[rng.integer(3)]!;
      return sign() * (low + width * rng.uniform());
    },
    distinct: (i) => (order[i]! - count / 2 + 0.3 * rng.uniform()) * 0.1,
  };
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return floatTensor(
    shape,
    Float32Array.from({ length: count }, (_, i) => samplers[from](i)),
  );
}
