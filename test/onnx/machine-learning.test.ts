import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  type Attributes,
  buildModel,
  float,
  floatTensor,
  int,
  ints,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  text,
  toNumbers,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { jacobian64 } from "../laws/jacobian64.ts";
import { distance, gaussian64, norm } from "../laws/vectors.ts";
import { evaluate } from "../support/ort.ts";

const DOMAIN = "ai.onnx.ml";
const floats = (...value: readonly number[]) => ({ kind: "floats", value }) as const;
const strings = (...value: readonly string[]) => ({ kind: "strings", value }) as const;
const drawn = (count: number, seed: number) => floats(...gaussianArray(createRng("weights", seed), count));

interface Case {
  readonly op: string;
  readonly note?: string;
  readonly attributes: Attributes;
  readonly input?: Shape;
  /** The outputs, of which the last is compared by derivatives, unless it has none. */
  readonly outputs?: readonly string[];
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly still?: true;
}

const rows: Shape = [5, 3];
const labels = { classlabels_ints: ints([3, 7, 9]) };
const TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"];
const kernel = { kernel_params: floats(0.4, 0.3, 2), support_vectors: drawn(18, 5), rho: floats(0.2) };

const cases: readonly Case[] = [
  { op: "Scaler", attributes: { offset: floats(0.1, 0.2, -0.3), scale: floats(2, 0.5, -1) } },
  { op: "Scaler", note: "with one number", attributes: { offset: floats(0.4), scale: floats(3) } },
  { op: "Normalizer", attributes: { norm: text("MAX") } },
  { op: "Normalizer", attributes: { norm: text("L1") } },
  { op: "Normalizer", attributes: { norm: text("L2") } },
  { op: "Imputer", attributes: { imputed_value_floats: floats(1, 2, 3), replaced_value_float: float(Number.NaN) } },
  { op: "Imputer", note: "of zeros", attributes: { imputed_value_floats: floats(5), replaced_value_float: float(0) } },
  { op: "Binarizer", attributes: { threshold: float(0.1) }, still: true },
  {
    op: "ArrayFeatureExtractor",
    attributes: {},
    constants: { places: { type: "int64", shape: [1, 2], data: BigInt64Array.of(2n, 0n) } },
  },
  {
    op: "FeatureVectorizer",
    note: "cut, and with zeros behind",
    attributes: { inputdimensions: ints([2, 4]) },
    constants: { other: floatTensor(rows, gaussianArray(createRng("other"), 15)) },
  },
  ...TRANSFORMS.map(
    (transform): Case => ({
      op: "LinearRegressor",
      attributes: {
        coefficients: drawn(6, 1),
        intercepts: floats(0.1, -0.2),
        targets: int(2),
        post_transform: text(transform),
      },
    }),
  ),
  {
    op: "LinearRegressor",
    note: "of one target",
    attributes: { coefficients: drawn(3, 2), post_transform: text("LOGISTIC") },
  },
  ...TRANSFORMS.flatMap((transform): Case[] => [
    {
      op: "LinearClassifier",
      outputs: ["label", "y"],
      attributes: {
        coefficients: drawn(9, 3),
        intercepts: floats(0.1, -0.2, 0.3),
        multi_class: int(1),
        post_transform: text(transform),
        ...labels,
      },
    },
    {
      op: "LinearClassifier",
      note: "of two classes by one score",
      outputs: ["label", "y"],
      attributes: {
        coefficients: drawn(3, 4),
        intercepts: floats(0.1),
        post_transform: text(transform),
        classlabels_strings: strings("no", "yes"),
      },
    },
  ]),
  ...["LINEAR", "POLY", "RBF", "SIGMOID"].map(
    (type): Case => ({
      op: "SVMRegressor",
      attributes: { ...kernel, coefficients: drawn(6, 6), n_supports: int(6), kernel_type: text(type) },
    }),
  ),
  {
    op: "SVMRegressor",
    note: "without support vectors",
    attributes: { coefficients: drawn(3, 7), rho: floats(0.3), kernel_params: floats(0, 0, 0) },
  },
  {
    op: "SVMRegressor",
    note: "of one class",
    attributes: {
      ...kernel,
      coefficients: drawn(6, 6),
      n_supports: int(6),
      kernel_type: text("RBF"),
      one_class: int(1),
    },
    still: true,
  },
  ...["NONE", "LOGISTIC", "SOFTMAX"].flatMap((transform): Case[] => [
    {
      op: "SVMClassifier",
      outputs: ["label", "y"],
      attributes: {
        ...kernel,
        rho: floats(0.2, -0.1, 0.05),
        coefficients: drawn(12, 8),
        vectors_per_class: ints([1, 2, 3]),
        kernel_type: text("RBF"),
        post_transform: text(transform),
        ...labels,
      },
    },
    {
      op: "SVMClassifier",
      note: "of two classes",
      outputs: ["label", "y"],
      attributes: {
        ...kernel,
        coefficients: drawn(6, 9),
        vectors_per_class: ints([2, 4]),
        kernel_type: text("POLY"),
        post_transform: text(transform),
        classlabels_ints: ints([0, 1]),
      },
    },
  ]),
  ...["NONE", "LOGISTIC", "SOFTMAX"].flatMap((transform): Case[] => [
    {
      op: "SVMClassifier",
      note: "with probabilities",
      outputs: ["label", "y"],
      attributes: {
        ...kernel,
        rho: floats(0.2, -0.1, 0.05),
        coefficients: drawn(12, 8),
        prob_a: floats(-1.2, -0.7, -2),
        prob_b: floats(0.1, -0.2, 0.3),
        vectors_per_class: ints([1, 2, 3]),
        kernel_type: text("RBF"),
        post_transform: text(transform),
        ...labels,
      },
    },
    {
      op: "SVMClassifier",
      note: "of two classes with probabilities",
      outputs: ["label", "y"],
      attributes: {
        ...kernel,
        coefficients: drawn(6, 9),
        prob_a: floats(-0.3),
        prob_b: floats(0.2),
        vectors_per_class: ints([2, 4]),
        kernel_type: text("POLY"),
        post_transform: text(transform),
        classlabels_strings: strings("no", "yes"),
      },
    },
  ]),
  {
    op: "SVMClassifier",
    note: "of one row with probabilities",
    input: [3],
    outputs: ["label", "y"],
    attributes: {
      ...kernel,
      rho: floats(0.2, -0.1, 0.05),
      coefficients: drawn(12, 8),
      prob_a: floats(-1.2, -0.7, -2),
      prob_b: floats(0.1, -0.2, 0.3),
      vectors_per_class: ints([1, 2, 3]),
      kernel_type: text("LINEAR"),
      ...labels,
    },
  },
  {
    op: "SVMClassifier",
    note: "without support vectors",
    outputs: ["label", "y"],
    attributes: { coefficients: drawn(9, 10), rho: floats(0.1), kernel_params: floats(0, 0, 0), ...labels },
  },
];

function modelOf({ op, attributes, input = rows, outputs = ["y"], constants = {} }: Case): OnnxModel {
  const model = buildModel({
    inputs: [valueInfo("x", "float32", input)],
    outputs: outputs.map((name) => ({ name, type: undefined, shape: undefined })),
    nodes: [node({ op, domain: DOMAIN, inputs: ["x", ...Object.keys(constants)], outputs: [...outputs], attributes })],
    initializers: new Map(Object.entries(constants)),
  });
  return { ...model, opsets: new Map([...model.opsets, [DOMAIN, 3]]) };
}

const real = (tensor: Tensor) => Float64Array.from(toNumbers(tensor));

const titleOf = ({ op, note, attributes }: Case) => {
  const told = ["norm", "post_transform", "kernel_type"].flatMap((name) => String(attributes[name]?.value ?? "") || []);
  return [op, ...told, ...(note === undefined ? [] : [note])].join(" ");
};

describe("operators of ai.onnx.ml are written with those of ai.onnx", () => {
  test.each(cases.map((one): [string, Case] => [titleOf(one), one]))("%s", async (_, one) => {
    const model = modelOf(one);
    const x = floatTensor(one.input ?? rows, gaussianArray(createRng("x"), sizeOf(one.input ?? rows)));
    const normalized = await normalize(model, { evaluate, feeds: new Map([["x", x]]) });
    expect(normalized.onnx.graph.nodes.map(({ domain }) => domain)).not.toContain(DOMAIN);
    const outputs = one.outputs ?? ["y"];
    const feeds = new Map([["x", x]]);
    const [theirs, ours] = [await evaluate(model, feeds, outputs), await evaluate(normalized.onnx, feeds, outputs)];
    for (const output of outputs) {
      const [want, got] = [theirs.get(output)!, ours.get(output)!];
      expect([got.type, got.shape]).toEqual([want.type, want.shape]);
      if (want.type !== "float32") expect(got.data).toEqual(want.data);
      else expect(distance(real(got), real(want))).toBeLessThan(1e-6 * (1 + norm(real(want))));
    }
    const J = await jacobian64({ model: normalized, point: feeds, sources: ["x"], targets: ["y"] });
    if (one.still) {
      expect(J.program.targets).toEqual([undefined]);
      return;
    }
    const v = gaussian64(J.n, "v");
    const Jv = J.jvp(v);
    const [after, before] = [J.shifted(v, 1e-5), J.shifted(v, -1e-5)];
    const difference = after.map((value, i) => (value - before[i]!) / 2e-5);
    expect(norm(Jv)).toBeGreaterThan(0);
    expect(distance(Jv, difference)).toBeLessThan(1e-6 * norm(Jv));
  });
});

const ints64 = (...value: readonly number[]) => ({ kind: "ints", value }) as const;

/** −2.5 where the second entry of a row is at most 0.05, and else 1.5. */
const tree = {
  nodes_treeids: ints64(0, 0, 0),
  nodes_nodeids: ints64(0, 1, 2),
  nodes_featureids: ints64(1, 0, 0),
  nodes_modes: strings("BRANCH_LEQ", "LEAF", "LEAF"),
  nodes_values: floats(0.05, 0, 0),
  nodes_truenodeids: ints64(1, 0, 0),
  nodes_falsenodeids: ints64(2, 0, 0),
};

const regressor: Attributes = {
  ...tree,
  n_targets: int(1),
  target_treeids: ints64(0, 0),
  target_nodeids: ints64(1, 2),
  target_ids: ints64(0, 0),
  target_weights: floats(-2.5, 1.5),
};

const number = (shape: Shape, ...values: readonly number[]) =>
  ({ kind: "tensor", value: { type: "float32", shape, data: Float32Array.from(values) } }) as const;

const ensemble: Attributes = {
  n_targets: int(1),
  nodes_splits: number([1], 0.05),
  nodes_featureids: ints64(1),
  nodes_modes: { kind: "tensor", value: { type: "uint8", shape: [1], data: Uint8Array.of(0) } },
  nodes_truenodeids: ints64(0),
  nodes_trueleafs: ints64(1),
  nodes_falsenodeids: ints64(1),
  nodes_falseleafs: ints64(1),
  tree_roots: ints64(0),
  leaf_targetids: ints64(0, 0),
  leaf_weights: number([2], -2.5, 1.5),
};

/** Operators whose outputs are steps. */
const steps: readonly (readonly [op: string, version: number, outputs: readonly string[], Attributes])[] = [
  ["TreeEnsembleRegressor", 1, ["t"], regressor],
  ["TreeEnsembleRegressor", 3, ["t"], regressor],
  ["TreeEnsemble", 5, ["t"], ensemble],
  [
    "TreeEnsembleClassifier",
    3,
    ["label", "t"],
    {
      ...tree,
      classlabels_int64s: ints64(4, 7),
      class_treeids: ints64(0, 0),
      class_nodeids: ints64(1, 2),
      class_ids: ints64(0, 1),
      class_weights: floats(1, 1),
    },
  ],
  ["LabelEncoder", 2, ["t"], { keys_floats: floats(0.3), values_floats: floats(9), default_float: float(2) }],
];

describe("trees and tables are constant between their steps", () => {
  const backend = createBackend({ threads: 1 });
  afterAll(() => backend.dispose());

  test.each(steps)("%s of version %d", async (op, version, outputs, attributes) => {
    const model = buildModel({
      inputs: [valueInfo("x", "float32", [2, 2])],
      outputs: ["y", "t"].map((name) => ({ name, type: undefined, shape: undefined })),
      nodes: [
        node({ op, domain: DOMAIN, inputs: ["x"], outputs: [...outputs], attributes }),
        node({ op: "Mul", inputs: ["x", "t"], outputs: ["y"] }),
      ],
      initializers: new Map(),
    });
    const importing = { ...model, opsets: new Map([...model.opsets, [DOMAIN, version]]) };
    const network = new Network(await normalize(importing, { evaluate }), backend);
    const x = Float32Array.of(0.3, -0.4, 0.3, 0.4);
    const J = await network.jacobian({ at: x });
    const theirs = await evaluate(importing, new Map([["x", floatTensor([2, 2], x)]]), ["t"]);
    const values = toNumbers(theirs.get("t")!);
    const factors = values.length === 4 ? values : values.flatMap((value) => [value, value]);
    expect(new Set(factors).size).toBeGreaterThan(1);
    expect([...J.value]).toEqual(factors.map((factor, i) => Math.fround(factor * x[i]!)));
    // y = x · t, where t has no slope.
    const slopes = (await J.dense()).data;
    expect([...slopes].map((slope) => slope + 0)).toEqual(
      factors.flatMap((factor, i) => [0, 1, 2, 3].map((j) => (i === j ? factor : 0))),
    );
  });
});
