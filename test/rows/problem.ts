import { createRng, type Rng, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  type Attribute,
  type Attributes,
  buildModel,
  float,
  floatTensor,
  int,
  ints,
  type Model,
  node,
  OPSET,
  type Tensor,
  text,
  valueInfo,
} from "../../src/onnx/index.ts";
import { interpret } from "../reference/interpret.ts";
import { type Array64, fromTensor } from "../reference/tensor.ts";
import type { Row, RowAttributes, RowInput, Sampler } from "./row.ts";

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
          node({
            op: row.op,
            domain: row.domain ?? "",
            inputs: Object.entries(row.in).map(([name, input]) => (input === null ? "" : name)),
            outputs: Array.from({ length: row.outputs ?? 1 }, (_, i) => `Y${i}`),
            attributes: attributesOf(row.attrs),
          }),
        ]
      : row.nodes.map((part) =>
          node({ op: part.op, inputs: part.in, outputs: part.out, attributes: attributesOf(part.attrs) }),
        );
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

const FLOAT_ATTRIBUTES = [
  "activation_alpha",
  "activation_beta",
  "alpha",
  "beta",
  "bias",
  "cubic_coeff_a",
  "decay_factor",
  "epsilon",
  "extrapolation_value",
  "gamma",
  "gate_lower_bound",
  "lambd",
  "mask_filter_value",
  "momentum",
  "norm_coefficient",
  "norm_coefficient_post",
  "qk_norm_epsilon",
  "scale",
  "softcap",
  "spatial_scale",
  "swiglu_limit",
];

/** Attributes with the kind that ONNX gives each. */
function attributesOf(values: RowAttributes = {}): Attributes {
  const kindOf = (name: string, value: RowAttributes[string]): Attribute => {
    if (typeof value === "string") return text(value);
    if (typeof value === "number") return FLOAT_ATTRIBUTES.includes(name) ? float(value) : int(value);
    if (name === "activation_params") return { kind: "floats", value: value as readonly number[] };
    return "data" in value ? { kind: "tensor", value } : ints(value);
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, kindOf(name, value)]));
}
