import { PushforwardError, sizeOf, tableOf } from "../base/index.ts";
import { filled, float, floatTensor, int, intTensor, text, toNumbers } from "./build.ts";
import { dropoutFactor } from "./dropout.ts";
import type { Node } from "./model.ts";
import { type OperatorRewriting, type Rewrite, type Rewriting, standard, without } from "./rewrite.ts";

/** An operator whose form changed in some opset. */
export interface Upgrade extends OperatorRewriting {
  /** Nodes of older opsets than this are rewritten. */
  readonly before: number;
}

const ALWAYS = Number.POSITIVE_INFINITY;

/** Rewrites an attribute with a list of integers that became an input. */
const asInput =
  (attribute: string, position: number): Rewriting =>
  (node, to) => {
    const values = to.attributes.ints(attribute);
    if (values === undefined) return node;
    const inputs = [...node.inputs];
    while (inputs.length < position) inputs.push("");
    inputs[position] = to.constant(attribute, intTensor(values));
    return { ...node, inputs, attributes: without(node.attributes, attribute) };
  };

/** A constant input with the list of numbers in an attribute. */
const floatsInput = (to: Rewrite, attribute: string): string => {
  const values = to.attributes.floats(attribute) ?? [];
  return to.constant(attribute, floatTensor([values.length], values));
};

/** A constant scalar input with the number in an attribute; `""` if the attribute is absent. */
const scalarInput = (to: Rewrite, attribute: string): string =>
  to.attributes.has(attribute) ? to.constant(attribute, floatTensor([], [to.attributes.float(attribute, 0)])) : "";

const reduction: Upgrade = { before: 18, attributes: ["axes", "keepdims"], rewrite: asInput("axes", 1) };

/**
 * Before opset 13 these operators normalized over all axes from `axis` on together. If only one of these axes is longer than 1, the
 * present operator does the same. Otherwise the axes are flattened before and restored after it.
 */
const flattening: Upgrade = {
  before: 13,
  attributes: ["axis"],
  looksAt: [0],
  rewrite(node, to) {
    const [x = ""] = node.inputs;
    const axis = to.attributes.int("axis", 1);
    const shape = to.shape(x);
    if (shape !== undefined) {
      const first = axis < 0 ? axis + shape.length : axis;
      if (sizeOf(shape.slice(first + 1)) === 1) return { ...node, attributes: { axis: int(first) } };
    }
    const flat = to.add("Flatten", [x], { axis: int(axis) });
    const normal = to.add(node.op, [flat], { axis: int(-1) });
    return standard(node, "Reshape", [normal, to.add("Shape", [x])]);
  },
};

/**
 * The meaning of Resize before opset 11: coordinates count from the corner, and nearest-neighbour rounding differs by axis. An
 * axis that grows takes the entry below, and an axis that shrinks takes the entry above. If the scales are not known, or if some
 * axes grow and others shrink, two Resize nodes follow each other: the first shrinks and the second enlarges.
 */
function resizeFromCorner(node: Node, to: Rewrite, scales: string): Node {
  const [x = ""] = node.inputs;
  const mode = to.attributes.text("mode", "nearest");
  const byNearest = (nearest: "floor" | "ceil") => ({
    mode: text(mode),
    coordinate_transformation_mode: text("asymmetric"),
    nearest_mode: text(nearest),
  });
  const value = to.value(scales);
  const known = value && Array.from(value.data as Float32Array);
  const grows = known === undefined || known.some((scale) => scale > 1);
  const shrinks = known === undefined || known.some((scale) => scale < 1);
  if (mode !== "nearest" || !shrinks) return standard(node, "Resize", [x, "", scales], byNearest("floor"));
  if (!grows) return standard(node, "Resize", [x, "", scales], byNearest("ceil"));
  const one = to.constant("one", floatTensor([], [1]));
  const shrunk = to.add("Resize", [x, "", to.add("Min", [scales, one])], byNearest("ceil"));
  return standard(node, "Resize", [shrunk, "", to.add("Max", [scales, one])], byNearest("floor"));
}

const inferenceOnly = (node: Node): Node => ({ ...node, outputs: node.outputs.slice(0, 1) });

/** In training, which opsets before 14 say by further outputs, the mean and variance are those of the batch. */
function batchNormalization(node: Node, to: Rewrite): Node {
  const read = to.attributes;
  const trains = to.opset < 14 ? node.outputs.slice(1).some((name) => name !== "") : read.int("training_mode", 0) !== 0;
  if (trains) return batchNormalizationInTraining(node, to);
  const epsilon = read.float("epsilon", 1e-5);
  if (read.int("spatial", 1) !== 0 || to.opset >= 9) {
    return { ...inferenceOnly(node), attributes: { epsilon: float(epsilon) } };
  }
  // Mean and variance are given for every entry: (x − mean) / √(var + ε) · scale + bias.
  const [x = "", scale = "", bias = "", mean = "", variance = ""] = node.inputs;
  return standard(node, "Add", [to.add("Mul", [normalized(to, to.add("Sub", [x, mean]), variance), scale]), bias]);
}

/** x / √(variance + ε) */
function normalized(to: Rewrite, centred: string, variance: string): string {
  const epsilon = to.constant("epsilon", floatTensor([], [to.attributes.float("epsilon", 1e-5)]));
  return to.add("Div", [centred, to.add("Sqrt", [to.add("Add", [variance, epsilon])])]);
}

/**
 * The mean and the variance over all axes but that of the channels (or over the batch alone, without `spatial`), and the running ones:
 * momentum · old + (1 − momentum) · new.
 */
function batchNormalizationInTraining(node: Node, to: Rewrite): Node {
  const [x = "", scale = "", bias = "", mean = "", variance = ""] = node.inputs;
  const read = to.attributes;
  const perEntry = to.opset < 9 && read.int("spatial", 1) === 0;
  const flat = perEntry ? x : to.add("Reshape", [x, to.constant("planes", intTensor([0, 0, -1]))]);
  const axes = to.constant("axes", intTensor(perEntry ? [0] : [0, 2]));
  const average = (of: string) => to.add("ReduceMean", [of, axes], { keepdims: int(1) });
  const own = average(flat);
  const centred = to.add("Sub", [flat, own]);
  const spread = average(to.add("Mul", [centred, centred]));
  const shaped = (name: string) =>
    perEntry ? name : to.add("Reshape", [name, to.constant("channels", intTensor([-1, 1]))]);
  const asGiven = (name: string) => to.add("Reshape", [name, to.add("Shape", [mean])]);
  const [ownMean, ownVariance] = [asGiven(own), asGiven(spread)];
  const number = (role: string, value: number) => to.constant(role, floatTensor([], [value]));
  const momentum = read.float("momentum", 0.9);
  const running = (old: string, now: string, output: string | undefined) => {
    if (!output) return;
    const kept = to.add("Mul", [old, number("momentum", momentum)]);
    to.add("Add", [kept, to.add("Mul", [now, number("rest", 1 - momentum)])], {}, output);
  };
  running(mean, ownMean, node.outputs[1]);
  running(variance, ownVariance, node.outputs[2]);
  if (node.outputs[3]) to.add("Identity", [ownMean], {}, node.outputs[3]);
  if (node.outputs[4]) to.add("Identity", [ownVariance], {}, node.outputs[4]);
  const y = to.add("Add", [to.add("Mul", [normalized(to, centred, spread), shaped(scale)]), shaped(bias)]);
  return standard(node, "Reshape", [y, to.add("Shape", [x])]);
}

/** In inference, Dropout is the identity, and its mask is all ones. In training it multiplies by what is drawn. */
function dropout(node: Node, to: Rewrite): Node {
  const [x = "", ratio = "", training = ""] = node.inputs;
  const mask = node.outputs[1] ?? "";
  const flag = training === "" ? undefined : to.value(training);
  if (training !== "" && (flag === undefined || toNumbers(flag)[0] !== 0)) {
    return standard(node, "Mul", [
      x,
      dropoutFactor(to, x, { ratio, training, mask, seed: without(node.attributes, "ratio") }),
    ]);
  }
  if (mask !== "") {
    const value = to.opset < 10 ? filled([1], 1) : ({ type: "bool", shape: [1], data: Uint8Array.of(1) } as const);
    to.add("ConstantOfShape", [to.add("Shape", [x])], { value: { kind: "tensor", value } }, mask);
  }
  return standard(node, "Identity", [x]);
}

/**
 * Groups of channels are normalized as in InstanceNormalization and then scaled. Before opset 21 there is one factor for each
 * group, and since then one for each channel.
 */
function groupNormalization(node: Node, to: Rewrite): Node {
  const [x = "", scale = "", bias = ""] = node.inputs;
  const read = to.attributes;
  const groups = read.int("num_groups", 1);
  const epsilon = { epsilon: float(read.float("epsilon", 1e-5)) };
  const grouped = to.add("Reshape", [x, to.constant("groups", intTensor([0, groups, -1]))]);
  const shape = to.add("Shape", [x]);
  if (to.opset < 21) {
    const normal = to.add("InstanceNormalization", [grouped, scale, bias], epsilon);
    return standard(node, "Reshape", [normal, shape]);
  }
  const ones = to.constant("ones", filled([groups], 1));
  const zeros = to.constant("zeros", filled([groups], 0));
  const normal = to.add("InstanceNormalization", [grouped, ones, zeros], epsilon);
  const rows = to.constant("rows", intTensor([-1, 1]));
  const keep = to.constant("keep", intTensor([0]));
  const rest = to.constant("rest", intTensor([-1]));
  const channels = to.add("Concat", [keep, to.add("Shape", [scale]), rest], { axis: int(0) });
  const flat = to.add("Reshape", [to.add("Reshape", [normal, shape]), channels]);
  const scaled = to.add("Mul", [flat, to.add("Reshape", [scale, rows])]);
  return standard(node, "Reshape", [to.add("Add", [scaled, to.add("Reshape", [bias, rows])]), shape]);
}

/**
 * All operators of ai.onnx whose form changed between opset 7 and opset 18, and two that are always split into others.
 */
export const upgrades = tableOf<Readonly<Record<string, Upgrade>>>({
  BatchNormalization: {
    before: ALWAYS,
    attributes: ["epsilon", "momentum", "spatial", "training_mode"],
    rewrite: batchNormalization,
  },
  Clip: {
    before: 11,
    attributes: ["max", "min"],
    rewrite: (node, to) => {
      const bounds = [scalarInput(to, "min"), scalarInput(to, "max")];
      return standard(node, "Clip", [node.inputs[0] ?? "", ...bounds]);
    },
  },
  Dropout: { before: ALWAYS, attributes: ["ratio", "seed"], looksAt: [2], rewrite: dropout },
  GroupNormalization: {
    before: ALWAYS,
    attributes: ["epsilon", "num_groups", "stash_type"],
    rewrite: groupNormalization,
  },
  Hardmax: flattening,
  LogSoftmax: flattening,
  Pad: {
    before: 11,
    attributes: ["mode", "pads", "value"],
    rewrite: (node, to) => {
      const pads = to.constant("pads", intTensor(to.attributes.ints("pads") ?? []));
      const inputs = [node.inputs[0] ?? "", pads, scalarInput(to, "value")];
      return standard(node, "Pad", inputs, without(node.attributes, "pads", "value"));
    },
  },
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSum: reduction,
  ReduceLogSumExp: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSum: { ...reduction, before: 13 },
  ReduceSumSquare: reduction,
  Resize: {
    before: 13,
    attributes: [
      "coordinate_transformation_mode",
      "cubic_coeff_a",
      "exclude_outside",
      "extrapolation_value",
      "mode",
      "nearest_mode",
    ],
    looksAt: [1, 2],
    rewrite: (node, to) => {
      if (to.opset < 11) return resizeFromCorner(node, to, node.inputs[1] ?? "");
      // If sizes are given, an empty tensor of scales means that no scales are given.
      const [x = "", ...steering] = node.inputs;
      return { ...node, inputs: [x, ...steering.map((name) => (to.value(name)?.data.length === 0 ? "" : name))] };
    },
  },
  RoiAlign: {
    before: 16,
    attributes: ["mode", "output_height", "output_width", "sampling_ratio", "spatial_scale"],
    rewrite: (node) => ({
      ...node,
      attributes: { ...node.attributes, coordinate_transformation_mode: text("output_half_pixel") },
    }),
  },
  Scan: {
    before: 9,
    attributes: ["body", "directions", "num_scan_inputs"],
    rewrite: (node) => {
      throw new PushforwardError("op-unsupported", {
        what: "Scan of opset 8 is not supported.",
        where: { node: node.name || node.outputs[0], op: node.op },
        fix: "Export the model in opset 9 or later.",
      });
    },
  },
  Scatter: {
    before: ALWAYS,
    attributes: ["axis"],
    rewrite: (node) => standard(node, "ScatterElements", node.inputs, node.attributes),
  },
  Slice: {
    before: 10,
    attributes: ["axes", "ends", "starts"],
    rewrite: (node, to) => {
      const inputs = (["starts", "ends", "axes"] as const).map((name) => {
        const values = to.attributes.ints(name);
        return values === undefined ? "" : to.constant(name, intTensor(values));
      });
      return standard(node, "Slice", [node.inputs[0] ?? "", ...inputs]);
    },
  },
  Softmax: flattening,
  Split: {
    before: 18,
    attributes: ["axis", "split"],
    rewrite: (node, to) => {
      const given = asInput("split", 1)(node, to);
      if (given.inputs[1]) return given;
      return { ...given, attributes: { ...given.attributes, num_outputs: int(node.outputs.length) } };
    },
  },
  Squeeze: { before: 13, attributes: ["axes"], rewrite: asInput("axes", 1) },
  TopK: {
    before: 10,
    attributes: ["axis", "k"],
    rewrite: (node, to) => {
      const k = to.constant("k", intTensor([to.attributes.int("k", 1)]));
      return { ...node, inputs: [node.inputs[0] ?? "", k], attributes: without(node.attributes, "k") };
    },
  },
  Unsqueeze: { before: 13, attributes: ["axes"], rewrite: asInput("axes", 1) },
  Upsample: {
    before: ALWAYS,
    attributes: ["mode", "scales"],
    looksAt: [1],
    rewrite: (node, to) => resizeFromCorner(node, to, node.inputs[1] ?? floatsInput(to, "scales")),
  },
});

/** Whether an operator of ai.onnx may have another form in one of two opsets than in the other. */
export function changedBetween(op: string, a: number, b: number): boolean {
  const before = upgrades[op]?.before;
  return before !== undefined && (before === ALWAYS || a < before !== b < before);
}
