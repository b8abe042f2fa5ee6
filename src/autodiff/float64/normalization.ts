import { int, type Node, readAttributes } from "../../onnx/index.ts";
import type { Float64Form, Float64Nodes } from "./form.ts";

const KEEP = { keepdims: int(1) };

export const localResponseNormalizationInFloat64: Float64Form = (write, { inputs: [x], attributes }) => {
  const read = readAttributes(attributes);
  const size = read.int("size", 1);
  const rank = write.shape(x!).length;
  const channels = write.shape(x!)[1]!;
  const wide = write.wide(x!);
  const at = (axis: number, value: number) => Array.from({ length: rank }, (_, i) => (i === axis ? value : 0));
  const ends = [...at(1, Math.floor((size - 1) / 2)), ...at(1, Math.ceil((size - 1) / 2))];
  const squares = write.node("Pad", [write.node("Mul", [wide, wide]), write.ints(ends), write.number(0)]);
  const sum = Array.from({ length: size }, (_, start) =>
    write.node("Slice", [squares, write.ints([start]), write.ints([start + channels]), write.ints([1])]),
  ).reduce((a, b) => write.node("Add", [a, b]));
  const scaled = write.node("Mul", [sum, write.number(read.float("alpha", 1e-4) / size)]);
  const base = write.node("Add", [scaled, write.number(read.float("bias", 1))]);
  return write.node("Div", [wide, write.node("Pow", [base, write.number(read.float("beta", 0.75))])]);
};

/** (x − mean) / deviation over some axes; `deviation` computes the deviation from the variance. */
function standardized(
  write: Float64Nodes,
  x: string,
  axes: readonly number[],
  deviation: (variance: string) => string,
): string {
  const mean = (name: string) => write.node("ReduceMean", [name, write.ints(axes)], KEEP);
  const centred = write.node("Sub", [x, mean(x)]);
  return write.node("Div", [centred, deviation(mean(write.node("Mul", [centred, centred])))]);
}

/** √(variance + ε), with the attribute ε of a node. */
const deviationOf = (write: Float64Nodes, { attributes }: Node) => {
  const epsilon = readAttributes(attributes).float("epsilon", 1e-5);
  return (variance: string) => write.node("Sqrt", [write.node("Add", [variance, write.number(epsilon)])]);
};

/** y · scale + bias, where scale and bias contain one number for each entry of axis 1. */
function affine(write: Float64Nodes, y: string, scale: string, bias: string, rank: number): string {
  const shape = write.ints([1, -1, ...new Array<number>(rank - 2).fill(1)]);
  const [by, plus] = [scale, bias].map((name) => write.node("Reshape", [write.wide(name), shape])) as [string, string];
  return write.node("Add", [write.node("Mul", [y, by]), plus]);
}

export const instanceNormalizationInFloat64: Float64Form = (write, of) => {
  const [x, scale, bias] = of.inputs as [string, string, string];
  const shape = write.shape(x);
  const normal = standardized(
    write,
    write.wide(x),
    shape.slice(2).map((_, d) => d + 2),
    deviationOf(write, of),
  );
  return affine(write, normal, scale, bias, shape.length);
};

/** Scale and bias contain one number for each channel, or, before opset 21, one for each group. */
export const groupNormalizationInFloat64: Float64Form = (write, of) => {
  const [x, scale, bias] = of.inputs as [string, string, string];
  const shape = write.shape(x);
  const [batch, channels] = shape as [number, number];
  const groups = readAttributes(of.attributes).int("num_groups", 1);
  const inGroups = write.node("Reshape", [write.wide(x), write.ints([batch, groups, -1])]);
  const normal = standardized(write, inGroups, [2], deviationOf(write, of));
  const byGroup = write.shape(scale)[0] !== channels;
  const spread = byGroup ? normal : write.node("Reshape", [normal, write.ints([batch, channels, -1])]);
  return write.node("Reshape", [affine(write, spread, scale, bias, 3), write.ints(shape)]);
};

/** ONNX divides by the standard deviation plus 1e-9. */
export const meanVarianceNormalizationInFloat64: Float64Form = (write, { inputs: [x], attributes }) => {
  const axes = readAttributes(attributes).ints("axes") ?? [0, 2, 3];
  return standardized(write, write.wide(x!), axes, (variance) =>
    write.node("Add", [write.node("Sqrt", [variance]), write.number(1e-9)]),
  );
};
