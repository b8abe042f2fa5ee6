import { castTo, floatTensor, int, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import {
  bothScores,
  classLabels,
  floatsOf,
  largestOf,
  nameLabels,
  rowsOf,
  scoresOf,
  signOf,
  transformed,
  vector,
} from "./classes.ts";
import { scalar } from "./parts.ts";
import { supportVectors } from "./support-vectors.ts";

/** (x − offset) · scale along the last axis. */
const scaler: OperatorRewriting = {
  attributes: ["offset", "scale"],
  looksAt: [0],
  rewrite(node, to) {
    const { offset = [0], scale = [1] } = {
      offset: to.attributes.floats("offset"),
      scale: to.attributes.floats("scale"),
    };
    const moved = to.add("Sub", [floatsOf(node.inputs[0] ?? "", to), vector(to, "offset", offset)]);
    return standard(node, "Mul", [moved, vector(to, "scale", scale)]);
  },
};

/** x by the largest entry, by the sum of magnitudes or by the length of its row; rows of which this is 0 stay. */
const normalizer: OperatorRewriting = {
  attributes: ["norm"],
  looksAt: [0],
  rewrite(node, to) {
    const x = floatsOf(node.inputs[0] ?? "", to);
    const axis = (to.shape(node.inputs[0] ?? "")?.length ?? 2) > 1 ? 1 : 0;
    const reduced = (op: string) => to.add(op, [x, to.constant("axes", intTensor([axis]))], { keepdims: int(1) });
    const kinds: Readonly<Record<string, string>> = { MAX: "ReduceMax", L1: "ReduceL1", L2: "ReduceL2" };
    const size = reduced(kinds[to.attributes.text("norm", "MAX")] ?? "ReduceMax");
    const isZero = to.add("Equal", [size, scalar(to, "zero", 0)]);
    return standard(node, "Div", [x, to.add("Where", [isZero, scalar(to, "one", 1), size])]);
  },
};

/** x with other numbers in place of one that marks missing entries, which may be NaN. */
const imputer: OperatorRewriting = {
  attributes: ["imputed_value_floats", "replaced_value_float", "imputed_value_int64s", "replaced_value_int64"],
  looksAt: [0],
  rewrite(node, to) {
    const read = to.attributes;
    const [x = ""] = node.inputs;
    const type = to.type(x)?.type;
    const values = read.floats("imputed_value_floats");
    if ((type !== undefined && type !== "float32") || values === undefined) return node;
    const marker = read.float("replaced_value_float", 0);
    const isMissing = Number.isNaN(marker) ? to.add("IsNaN", [x]) : to.add("Equal", [x, scalar(to, "missing", marker)]);
    return standard(node, "Where", [isMissing, vector(to, "imputed", values), x]);
  },
};

/** 1 where x exceeds a threshold, and 0 elsewhere. */
const binarizer: OperatorRewriting = {
  attributes: ["threshold"],
  looksAt: [0],
  rewrite(node, to) {
    const x = floatsOf(node.inputs[0] ?? "", to);
    const above = to.add("Greater", [x, scalar(to, "threshold", to.attributes.float("threshold", 0))]);
    return standard(node, "Cast", [above], castTo("float32"));
  },
};

/** Entries of x along its last axis. */
const arrayFeatureExtractor: OperatorRewriting = {
  attributes: [],
  looksAt: [0],
  rewrite(node, to) {
    const [x = "", places = ""] = node.inputs;
    const flat = to.add("Reshape", [places, to.constant("flat", intTensor([-1]))]);
    const isVector = to.shape(x)?.length === 1;
    const rows = isVector ? to.add("Reshape", [x, to.constant("row", intTensor([1, -1]))]) : x;
    return standard(node, "Gather", [rows, flat], { axis: int(-1) });
  },
};

/** The inputs beside each other, each with as many columns as the attribute says: cut, or with zeros behind. */
const featureVectorizer: OperatorRewriting = {
  attributes: ["inputdimensions"],
  looksAt: Array.from({ length: 64 }, (_, i) => i),
  rewrite(node, to) {
    const extents = to.attributes.ints("inputdimensions") ?? [];
    const parts = node.inputs.map((input, i) => {
      const shape = to.shape(input);
      const x = floatsOf(input, to);
      const rows = shape?.length === 1 ? to.add("Reshape", [x, to.constant("row", intTensor([1, -1]))]) : x;
      const [own, wanted] = [shape?.at(-1), extents[i]];
      if (own === undefined || wanted === undefined || own === wanted) return rows;
      if (own > wanted) {
        const bounds = [0, wanted, 1].map((at) => to.constant("at", intTensor([at])));
        return to.add("Slice", [rows, ...bounds]);
      }
      return to.add("Pad", [rows, to.constant("pads", intTensor([0, 0, 0, wanted - own]))]);
    });
    return standard(node, "Concat", parts, { axis: int(1) });
  },
};

/** X · Wᵀ + b, with the rows of W one after the other in an attribute. */
function affine(node: Node, to: Rewrite, rows: number): string {
  const weights = to.attributes.floats("coefficients") ?? [];
  const columns = weights.length / rows;
  const turned = Float32Array.from(weights, (_, i) => weights[(i % rows) * columns + Math.floor(i / rows)]!);
  const x = rowsOf(node, to);
  const product = to.add("MatMul", [x, to.weights("coefficients", floatTensor([columns, rows], turned))]);
  const intercepts = to.attributes.floats("intercepts") ?? [];
  return intercepts.length === 0 ? product : to.add("Add", [product, vector(to, "intercepts", intercepts)]);
}

const LINEAR = ["coefficients", "intercepts", "post_transform"] as const;

const linearRegressor: OperatorRewriting = {
  attributes: [...LINEAR, "targets"],
  looksAt: [0],
  rewrite(node, to) {
    const targets = to.attributes.int("targets", 1);
    return transformed(node, to, affine(node, to, targets), targets, to.attributes.text("post_transform", "NONE"));
  },
};

const linearClassifier: OperatorRewriting = {
  attributes: [...LINEAR, "classlabels_ints", "classlabels_strings", "multi_class"],
  looksAt: [0],
  rewrite(node, to) {
    const read = to.attributes;
    const rows = Math.max(1, read.floats("intercepts")?.length ?? 1);
    const labels = classLabels(to, rows);
    const transform = read.text("post_transform", "NONE");
    if (transform === "PROBIT" && rows === 1) return node;
    const scores = affine(node, to, rows);
    if (rows > 1 || labels.data.length !== 2) {
      nameLabels(node, to, labels, rows > 1 ? largestOf(to, scores) : signOf(to, scores));
      return transformed(scoresOf(node), to, scores, rows, transform);
    }
    nameLabels(node, to, labels, signOf(to, scores));
    return bothScores(scoresOf(node), to, transform === "LOGISTIC" ? to.add("Sigmoid", [scores]) : scores, false);
  },
};

/** Operators of ai.onnx.ml that have a derivative, and those that only sort their input into classes. */
export const machineLearning: Readonly<Record<string, OperatorRewriting>> = {
  "ai.onnx.ml:ArrayFeatureExtractor": arrayFeatureExtractor,
  "ai.onnx.ml:Binarizer": binarizer,
  "ai.onnx.ml:FeatureVectorizer": featureVectorizer,
  "ai.onnx.ml:Imputer": imputer,
  "ai.onnx.ml:LinearClassifier": linearClassifier,
  "ai.onnx.ml:LinearRegressor": linearRegressor,
  "ai.onnx.ml:Normalizer": normalizer,
  "ai.onnx.ml:Scaler": scaler,
  ...supportVectors,
};
