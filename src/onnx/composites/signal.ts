import { PushforwardError } from "../../base/index.ts";
import { toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { fourierTransform } from "./fourier.ts";
import { writerOf } from "./writer.ts";

/** One number of an input: `undefined` if the input is left out, and NaN if it depends on the network's input. */
function numberOf(node: Node, to: Rewrite, position: number): number | undefined {
  const name = node.inputs[position] ?? "";
  if (name === "") return undefined;
  const value = to.value(name);
  return value === undefined ? Number.NaN : toNumbers(value)[0]!;
}

function dft(node: Node, to: Rewrite): Node {
  const [x = ""] = node.inputs;
  const shape = to.shape(x)!;
  const read = to.attributes;
  // Before opset 20 the axis is an attribute.
  const stated = to.opset < 20 ? read.int("axis", 1) : (numberOf(node, to, 2) ?? -2);
  const axis = stated < 0 ? stated + shape.length : stated;
  const [inverse, onesided] = [read.int("inverse", 0) !== 0, read.int("onesided", 0) !== 0];
  const whole = inverse && onesided ? 2 * (shape[axis]! - 1) : shape[axis]!;
  const length = numberOf(node, to, 1) ?? whole;
  if (Number.isNaN(axis + length)) return node;
  const write = writerOf(to);
  return standard(node, "Identity", [spectrumOf(node, write, x, { shape, axis, length, inverse, onesided })]);
}

function spectrumOf(node: Node, ...[write, x, of]: Parameters<typeof fourierTransform>): string {
  try {
    return fourierTransform(write, x, of);
  } catch (cause) {
    throw new PushforwardError("op-unsupported", {
      what: `${node.op} is not supported here: ${(cause as Error).message}.`,
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: "Use a length that is a product of small numbers, such as a power of two.",
    });
  }
}

/** Frames of the signal, times the window, transformed. */
function stft(node: Node, to: Rewrite): Node {
  const [signal = "", , window = ""] = node.inputs;
  const write = writerOf(to);
  const given = to.shape(signal)!;
  const shape = given.length === 2 ? [...given, 1] : given;
  const [batch, samples, parts] = shape as [number, number, number];
  const step = numberOf(node, to, 1)!;
  const windowed = window === "" ? undefined : to.shape(window)![0];
  const length = numberOf(node, to, 3) ?? windowed ?? samples;
  if (Number.isNaN(step + length)) return node;
  const frames = Math.floor((samples - length) / step) + 1;
  const places = Array.from({ length: frames * length }, (_, i) => Math.floor(i / length) * step + (i % length));
  const whole = given.length === 2 ? write.reshape(signal, shape) : signal;
  const cut = write.gather(whole, write.ints(places, [frames, length]), 1);
  const weighted = window === "" ? cut : write.mul(cut, write.reshape(window, [length, 1]));
  const onesided = to.attributes.int("onesided", 1) !== 0;
  const of = { shape: [batch, frames, length, parts], axis: 2, length, inverse: false, onesided };
  return standard(node, "Identity", [spectrumOf(node, write, weighted, of)]);
}

/** Fourier transforms. */
export const signal: Readonly<Record<string, OperatorRewriting>> = {
  DFT: { attributes: ["axis", "inverse", "onesided"], looksAt: [0, 1, 2], rewrite: dft },
  STFT: { attributes: ["onesided"], looksAt: [0, 1, 2, 3], rewrite: stft },
};
