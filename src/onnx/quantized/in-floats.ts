import { tableOf } from "../../base/index.ts";
import { int, OPSET } from "../build.ts";
import { constantOf } from "../constant-node.ts";
import { allNames, mapSubgraphs, operatorKey, readsOf, withInner } from "../graph.ts";
import { writtenFor } from "../misfit.ts";
import type { DataType, Graph, Node, OnnxModel } from "../model.ts";
import { bytesFor, type NarrowInteger, narrowIntegers } from "../narrow-types.ts";
import { formatFacts } from "../operator-facts.ts";
import { isFloat } from "../precision.ts";
import { dataTypeOf, dataTypes } from "../tensor-types.ts";
import { quantizedExperts } from "./experts.ts";
import { FloatWriter, read, type Setting } from "./float-writer.ts";
import { integerProducts } from "./integer-products.ts";
import { type FloatRewriting, isNarrowFloat, linearQuantization, roundToFloat } from "./linear.ts";
import { microsoftQuantization } from "./microsoft.ts";
import { derivativeOf, OWN_DOMAIN, type Quantized } from "./own-operators.ts";
import { packedWeights } from "./packed-weights.ts";
import { quantizedRecurrent } from "./recurrent.ts";

/** How operators of quantized numbers are written with floats. Those outside ai.onnx are named `domain:op`. */
const rewritings = tableOf<Readonly<Record<string, FloatRewriting>>>({
  ...linearQuantization,
  ...integerProducts,
  ...microsoftQuantization,
  ...packedWeights,
  ...quantizedRecurrent,
  ...quantizedExperts,
});

/**
 * The model with floats in place of quantized numbers. A tensor that QuantizeLinear, or another operator of quantized numbers, computes
 * holds the same whole numbers as float32, and what such operators do is written with operators of floats: a product of codes is a product
 * of floats that is exact below 2²⁴. Rounding stays, as an operator of this project's own (`own-operators.ts`), marked with the choice of
 * what tangents do there. Dequantized constants are float32 constants.
 *
 * Nodes must be in an order in which they can run.
 */
export function quantizedInFloats(model: OnnxModel, choice: Quantized): OnnxModel {
  if (!isQuantized(model.graph)) return model;
  const opset = model.opsets.get("") ?? OPSET;
  const setting: Setting = { opset, choice, taken: allNames(model.graph) };
  const graph = rewriteGraph(model.graph, setting, undefined);
  return { ...model, graph, opsets: new Map(model.opsets).set(OWN_DOMAIN, 1) };
}

/** Whether a graph, or a graph inside it, has a node that is rewritten here. */
const isQuantized = (graph: Graph): boolean =>
  graph.nodes
    .flatMap(withInner)
    .some(
      (node) =>
        rewritings[operatorKey(node)] !== undefined ||
        node.domain === OWN_DOMAIN ||
        (node.op === "Cast" && castsNarrowly(dataTypeOf(read(node).int("to", 0)))) ||
        node.op === "CastLike",
    );

/** Whether a graph, or a graph inside it, multiplies matrices or filters of quantized numbers by a kernel for integers. */
export const multipliesIntegers = (graph: Graph): boolean =>
  graph.nodes
    .flatMap(withInner)
    .some(({ op }) => /^(QLinear(Conv|MatMul)|QGemm|QAttention|DynamicQuantize(MatMul|LSTM))$|Integer/.test(op));

const castsNarrowly = (type: DataType | undefined): boolean =>
  type !== undefined && (isNarrowFloat(type) || type === "float8e8m0" || bytesFor(type) !== type);

function rewriteGraph(graph: Graph, setting: Setting, outer: FloatWriter | undefined): Graph {
  const w = new FloatWriter(graph, setting, outer);
  for (const node of graph.nodes) {
    w.begin(node);
    const constant = constantOf(node);
    if (constant !== undefined) w.know(node.outputs[0]!, constant);
    const rewriting = rewritings[operatorKey(node)];
    if (rewriting !== undefined) writtenFor(node, () => rewriting(w, node));
    else if (node.domain === OWN_DOMAIN) w.nodes.push({ ...node, attributes: derivativeOf(setting.choice) });
    else if (node.domain === "" && (node.op === "Cast" || node.op === "CastLike"))
      writtenFor(node, () => cast(w, node));
    else
      keep(
        w,
        mapSubgraphs(node, (inner) => rewriteGraph(inner, setting, w)),
      );
  }
  const outputs =
    outer === undefined
      ? graph.outputs.map((output) => (w.heldType(output.name) ? { ...output, type: "float32" as const } : output))
      : graph.outputs.map((output) => ({ ...output, name: w.asInFile(output.name) }));
  const used = new Set([...w.nodes.flatMap(readsOf), ...outputs.map(({ name }) => name)]);
  const initializers = new Map([...w.initializers].filter(([name]) => used.has(name)));
  return { ...graph, nodes: w.nodes, initializers, outputs };
}

/** Operators whose first output has the type of some inputs, which are all of one type: the positions of these. `all` are all inputs. */
const sameType = tableOf<Readonly<Record<string, readonly number[] | "all">>>({
  Abs: [0],
  Add: "all",
  Clip: "all",
  Concat: "all",
  CumSum: [0],
  Gemm: "all",
  MatMul: "all",
  Max: "all",
  MaxPool: [0],
  Min: "all",
  Mul: "all",
  Neg: [0],
  Pad: [0, 2],
  ReduceMax: [0],
  ReduceMin: [0],
  ReduceSum: [0],
  Relu: [0],
  ScatterElements: [0, 2],
  ScatterND: [0, 2],
  Sub: "all",
  Sum: "all",
  TopK: [0],
  Where: [1, 2],
});

/** Operators that ask something of numbers of any type: which inputs are these. */
const asking = tableOf<Readonly<Record<string, readonly number[]>>>({
  ArgMax: [0],
  ArgMin: [0],
  Equal: [0, 1],
  Greater: [0, 1],
  GreaterOrEqual: [0, 1],
  Less: [0, 1],
  LessOrEqual: [0, 1],
  NonZero: [0],
  Shape: [0],
  Size: [0],
});

/** Adds a node that is not of quantized numbers. It computes with floats where its operator takes these as well. */
function keep(w: FloatWriter, node: Node): void {
  const held = node.inputs.find((name) => w.heldType(name) !== undefined);
  if (held === undefined) {
    w.nodes.push(node);
    return;
  }
  const moved = formatFacts(node.op).moves === "first input" ? [0] : undefined;
  const own = node.domain === "" ? (sameType[node.op] ?? moved) : undefined;
  const positions = own ?? (node.domain === "" ? asking[node.op] : undefined);
  const isOwn = (i: number) => positions === "all" || positions?.includes(i) === true;
  const inputs = node.inputs.map((name, i) => (isOwn(i) ? w.float(name) : w.asInFile(name)));
  w.nodes.push({ ...node, inputs });
  const isHeld = own !== undefined && node.inputs.some((name, i) => isOwn(i) && w.heldType(name) !== undefined);
  if (isHeld) for (const output of ofOneType(node)) w.hold(output, w.heldType(held)!);
}

/** The outputs that have the type of the first input: not the places that TopK and MaxPool give. */
const ofOneType = ({ op, outputs }: Node): readonly string[] =>
  op === "TopK" || op === "MaxPool" ? outputs.slice(0, 1) : outputs;

/**
 * A conversion. To a float of at most 8 bits it rounds. Whole numbers that are held as floats stay floats in any other type of integers.
 */
function cast(w: FloatWriter, node: Node): void {
  const [x = "", like = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const attributes = read(node);
  const type = node.op === "Cast" ? dataTypeOf(attributes.int("to", 0)) : w.typeOf(like);
  w.knowRank(output, w.rankOf(x));
  const held = w.heldType(x);
  if (type === undefined) {
    w.keep(node);
  } else if (isNarrowFloat(type)) {
    roundToFloat(w, w.float(x), type, attributes.int("saturate", 1) !== 0, output);
    w.knowType(output, type);
  } else if (type === "float8e8m0") {
    toPowerOfTwo(w, w.float(x), attributes.text("round_mode", "up"), output);
    w.knowType(output, type);
  } else if (held !== undefined && !isFloat(type) && type !== "bool" && type !== "string") {
    w.add("Identity", [x], {}, output);
    w.hold(output, type);
  } else if (Object.hasOwn(narrowIntegers, type)) {
    toNarrowInteger(w, w.asInFile(x), type as NarrowInteger, output);
    w.knowType(output, type);
  } else {
    w.add("Cast", [x], { to: int(dataTypes[type].code) }, output);
    w.knowType(output, type);
  }
}

/** The lowest bits of whole numbers, as the numbers of a type of fewer than 8 bits, which bytes hold. */
function toNarrowInteger(w: FloatWriter, x: string, type: NarrowInteger, output: string): void {
  const { held, low, high } = narrowIntegers[type];
  const [start, count] = [low, high - low + 1].map((value) =>
    w.constant("number", { type: "int32", shape: [], data: Int32Array.of(value) }),
  );
  const above = w.add("Sub", [w.add("Cast", [x], { to: int(dataTypes.int32.code) }), start!]);
  const number = w.add("Add", [w.add("Mod", [above, count!]), start!]);
  w.add("Cast", [number], { to: int(dataTypes[held].code) }, output);
}

/** x > 0, rounded to a power of two. */
function toPowerOfTwo(w: FloatWriter, x: string, mode: string, output: string): void {
  const [two, half] = [2, 0.5].map((value) => w.number("number", value));
  const power = w.add("Div", [w.add("Log", [x]), w.add("Log", [two!])]);
  const near = w.add("Pow", [two!, w.add("Round", [power])]);
  const ratio = w.add("Div", [x, near]);
  const [one, lowest] = [1, 0.75].map((value) => w.number("number", value));
  if (mode === "up") {
    w.add("Where", [w.add("Greater", [ratio, one!]), w.add("Mul", [near, two!]), near], {}, output);
  } else {
    const isLess = w.add("Less", [ratio, mode === "down" ? one! : lowest!]);
    w.add("Where", [isLess, w.add("Mul", [near, half!]), near], {}, output);
  }
}
