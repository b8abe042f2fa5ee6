import { readAttributes } from "../../onnx/index.ts";
import type { Float64Form, Float64Nodes } from "./form.ts";

/** The positive part, and e^min(x, 0) − 1. */
function parts(write: Float64Nodes, x: string) {
  const zero = write.number(0);
  const below = write.node("Exp", [write.node("Min", [x, zero])]);
  return { above: write.node("Max", [x, zero]), below: write.node("Sub", [below, write.number(1)]) };
}

const times = (write: Float64Nodes, x: string, factor: number) => write.node("Mul", [x, write.number(factor)]);

/** max(x, 0) + α(e^{min(x, 0)/α} − 1), also for α below 0. */
export const celuInFloat64: Float64Form = (write, { inputs: [x], attributes }) => {
  const alpha = readAttributes(attributes).float("alpha", 1);
  const [wide, zero] = [write.wide(x!), write.number(0)];
  const power = write.node("Exp", [write.node("Div", [write.node("Min", [wide, zero]), write.number(alpha)])]);
  const below = times(write, write.node("Sub", [power, write.number(1)]), alpha);
  return write.node("Add", [write.node("Max", [wide, zero]), below]);
};

/** max(x, 0) + α(e^min(x, 0) − 1) */
export const eluInFloat64: Float64Form = (write, { inputs: [x], attributes }) => {
  const { above, below } = parts(write, write.wide(x!));
  return write.node("Add", [above, times(write, below, readAttributes(attributes).float("alpha", 1))]);
};

/** The same, times γ. */
export const seluInFloat64: Float64Form = (write, { inputs: [x], attributes }) => {
  const read = readAttributes(attributes);
  const { above, below } = parts(write, write.wide(x!));
  const elu = write.node("Add", [above, times(write, below, read.float("alpha", SELU.alpha))]);
  return times(write, elu, read.float("gamma", SELU.gamma));
};

/** The constants of the format, which are float32 numbers. */
const SELU = { alpha: Math.fround(1.6732632423543772), gamma: Math.fround(1.0507009873554805) };

/** αx + β between 0 and 1. */
export const hardSigmoidInFloat64: Float64Form = (write, { inputs: [x], attributes }) => {
  const read = readAttributes(attributes);
  const line = write.node("Add", [
    times(write, write.wide(x!), read.float("alpha", 0.2)),
    write.number(read.float("beta", 0.5)),
  ]);
  return write.node("Min", [write.node("Max", [line, write.number(0)]), write.number(1)]);
};

/** max(x, 0) + ln(1 + e^−|x|) */
export const softplusInFloat64: Float64Form = (write, { inputs: [x] }) => {
  const wide = write.wide(x!);
  const small = write.node("Exp", [write.node("Neg", [write.node("Abs", [wide])])]);
  const log = write.node("Log", [write.node("Add", [small, write.number(1)])]);
  return write.node("Add", [write.node("Max", [wide, write.number(0)]), log]);
};

/** x / (1 + |x|) */
export const softsignInFloat64: Float64Form = (write, { inputs: [x] }) => {
  const wide = write.wide(x!);
  return write.node("Div", [wide, write.node("Add", [write.node("Abs", [wide]), write.number(1)])]);
};

/** x where it is above α, and 0 elsewhere. */
export const thresholdedReluInFloat64: Float64Form = (write, { inputs: [x], attributes }) => {
  const wide = write.wide(x!);
  const isAbove = write.node("Greater", [wide, write.number(readAttributes(attributes).float("alpha", 1))]);
  return write.node("Where", [isAbove, wide, write.number(0)]);
};

/** max(x, 0) + α min(x, 0) */
export const leakyReluInFloat64: Float64Form = (write, { inputs: [x], attributes }) =>
  leaky(write, write.wide(x!), write.number(readAttributes(attributes).float("alpha", 0.01)));

/** The same with a slope that is an input. */
export const preluInFloat64: Float64Form = (write, { inputs: [x, slope] }) =>
  leaky(write, write.wide(x!), write.wide(slope!));

function leaky(write: Float64Nodes, x: string, slope: string): string {
  const zero = write.number(0);
  const below = write.node("Mul", [write.node("Min", [x, zero]), slope]);
  return write.node("Add", [write.node("Max", [x, zero]), below]);
}

/** x times x/6 + 1/2 between 0 and 1. */
export const hardSwishInFloat64: Float64Form = (write, { inputs: [x] }) => {
  const wide = write.wide(x!);
  const line = write.node("Add", [times(write, wide, 1 / 6), write.number(0.5)]);
  const gate = write.node("Min", [write.node("Max", [line, write.number(0)]), write.number(1)]);
  return write.node("Mul", [wide, gate]);
};

/** x tanh(softplus x) */
export const mishInFloat64: Float64Form = (write, of) =>
  write.node("Mul", [write.wide(of.inputs[0]!), write.node("Tanh", [softplusInFloat64(write, of)!])]);

/** 1 / (1 + e^−x) */
export const sigmoidInFloat64: Float64Form = (write, { inputs: [x] }) => sigmoid(write, write.wide(x!));

/** ONNX Runtime fuses its own Sigmoid with a product x · Sigmoid(x) to an operator that has no kernel for float64. */
function sigmoid(write: Float64Nodes, x: string): string {
  const power = write.node("Exp", [write.node("Neg", [x])]);
  return write.node("Reciprocal", [write.node("Add", [power, write.number(1)])]);
}
