import { ints } from "../build.ts";
import type { Node } from "../model.ts";
import { without } from "../rewrite.ts";
import { type FloatWriter, read } from "./float-writer.ts";
import { type FloatRewriting, quantize } from "./linear.ts";

/** Positions in a node's inputs: a tensor of codes, its scale and its zero point. */
export interface Codes {
  readonly codes: string;
  readonly scale: string;
  readonly zero: string;
}

/** The inputs of a node from a position on, as a tensor of codes. */
export const codesAt = ({ inputs }: Node, at: number): Codes => ({
  codes: inputs[at] ?? "",
  scale: inputs[at + 1] ?? "",
  zero: inputs[at + 2] ?? "",
});

/**
 * A vector for the rows of a matrix product, which lies along the last axis but one; a number stays one, and of more axes they are those
 * of the matrix.
 */
function alongRows(w: FloatWriter, name: string): string {
  const rank = w.rankOf(name);
  if (rank !== 1 || w.numbersOf(name)?.length === 1) return name;
  const column = w.add("Reshape", [w.float(name), w.wholes("column", [-1, 1])]);
  w.knowRank(column, 2);
  return column;
}

/** A scale or zero point of a matrix, as it broadcasts with it. */
function ofMatrix(w: FloatWriter, name: string): string {
  const numbers = w.numbersOf(name);
  return numbers?.length === 1 ? w.number("factor", numbers[0]!) : w.float(name);
}

/** The matrix product of numbers less their zero points, exact as long as sums stay below 2²⁴. */
function product(w: FloatWriter, a: string, aZero: string, b: string, bZero: string, output?: string): string {
  const left = aZero === "" ? w.float(a) : less(w, a, alongRows(w, aZero));
  const right = bZero === "" ? w.float(b) : less(w, b, bZero);
  return w.add("MatMul", [left, right], {}, output);
}

const less = (w: FloatWriter, x: string, zero: string): string =>
  (w.numbersOf(zero)?.length ?? 2) === 1 || w.constantOf(x) !== undefined
    ? w.centred(x, zero, -1)
    : w.add("Sub", [w.float(x), ofMatrix(w, zero)]);

const convInteger: FloatRewriting = (w, node) => {
  const [x = "", weight = "", xZero = "", wZero = ""] = node.inputs;
  const [output = ""] = node.outputs;
  w.add("Conv", [w.centred(x, xZero, 1), w.centred(weight, wZero, 0)], node.attributes, output);
  w.hold(output, "int32");
};

const matMulInteger: FloatRewriting = (w, node) => {
  const [a = "", b = "", aZero = "", bZero = ""] = node.inputs;
  const [output = ""] = node.outputs;
  product(w, a, aZero, b, bZero, output);
  w.hold(output, "int32");
};

/** The sums of products of codes are whole numbers, as in ONNX Runtime; one factor then takes them to those of the output. */
const qLinearConv: FloatRewriting = (w, node) => {
  const [x, weight] = [codesAt(node, 0), codesAt(node, 3)];
  const [yScale = "", yZero = "", bias = ""] = node.inputs.slice(6);
  const [output = ""] = node.outputs;
  const rank = w.rankOf(weight.codes) ?? 4;
  const isLast = read(node).int("channels_last", 0) !== 0;
  const channelsAt = isLast ? rank - 1 : 1;
  const centred = w.centred(x.codes, x.zero, channelsAt);
  const toFirst = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1)];
  const image = isLast ? w.add("Transpose", [centred], { perm: ints(toFirst) }) : centred;
  const operands = [image, w.centred(weight.codes, weight.zero, 0), ...(bias === "" ? [] : [w.float(bias)])];
  const convolved = w.add("Conv", operands, without(node.attributes, "channels_last"));
  const toLast = [0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1];
  const sums = isLast ? w.add("Transpose", [convolved], { perm: ints(toLast) }) : convolved;
  w.knowRank(sums, rank);
  const factor = w.broadcastAlong(w.ratio([x.scale, weight.scale], yScale), sums, channelsAt);
  const type = w.typeOf(yZero) ?? w.typeOf(x.codes) ?? "uint8";
  quantize(
    w,
    w.add("Mul", [sums, factor]),
    w.number("one", 1),
    w.broadcastAlong(yZero, sums, channelsAt),
    type,
    output,
  );
  w.knowRank(output, rank);
};

const qLinearMatMul: FloatRewriting = (w, node) => {
  const [a, b] = [codesAt(node, 0), codesAt(node, 3)];
  const [yScale = "", yZero = ""] = node.inputs.slice(6);
  const [output = ""] = node.outputs;
  const sums = product(w, a.codes, a.zero, b.codes, b.zero);
  const factor = ofMatrix(w, w.ratio([alongRows(w, a.scale), b.scale], yScale));
  const type = w.typeOf(yZero) ?? w.typeOf(a.codes) ?? "uint8";
  quantize(w, w.add("Mul", [sums, factor]), w.number("one", 1), ofMatrix(w, alongRows(w, yZero)), type, output);
};

export const integerProducts: Readonly<Record<string, FloatRewriting>> = {
  ConvInteger: convInteger,
  MatMulInteger: matMulInteger,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
};
