import { type Shape, sizeOf } from "../../base/index.ts";
import { floatTensor, int } from "../build.ts";
import type { DataType, Node, Tensor } from "../model.ts";
import {
  type NarrowFloat,
  type NarrowFloatType,
  type NarrowInteger,
  narrowFloats,
  narrowIntegers,
} from "../narrow-types.ts";
import { dataTypeOf } from "../tensor-types.ts";
import { type FloatWriter, inFloats, read } from "./float-writer.ts";

/** Writes a node with operators of floats. */
export type FloatRewriting = (w: FloatWriter, node: Node) => void;

/** Whether a type is a float of at most 8 bits, to which numbers are rounded. */
export const isNarrowFloat = (type: DataType): type is NarrowFloatType => Object.hasOwn(narrowFloats, type);

/** The least and the largest number of an integer type of at most 16 bits. */
function rangeOf(type: DataType): readonly [number, number] {
  if (Object.hasOwn(narrowIntegers, type)) {
    const { low, high } = narrowIntegers[type as NarrowInteger];
    return [low, high];
  }
  const bits = type.endsWith("16") ? 16 : 8;
  return type.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

/**
 * Rounds the float x / scale to a whole number of a type, moved by a zero point, as `output`. The scale and the zero point are tensors
 * that broadcast with x.
 */
export function quantize(w: FloatWriter, x: string, scale: string, zero: string, type: DataType, output: string): void {
  const [low, high] = rangeOf(type);
  const offset = zero === "" ? w.number("zero", 0) : zero;
  w.own("Quantize", [x, scale, offset, w.number("low", low), w.number("high", high)], output);
  w.hold(output, type);
}

/** Rounds x to a float of at most 8 bits, as `output`. Numbers beyond the largest become it, or leave the finite numbers. */
export function roundToFloat(
  w: FloatWriter,
  x: string,
  type: NarrowFloatType,
  saturates: boolean,
  output: string,
): void {
  const { fraction, bias, largest, beyond } = narrowFloats[type] as NarrowFloat;
  // 4 bits have no NaN.
  const number = type === "float4e2m1" ? w.add("Where", [w.add("IsNaN", [x]), w.number("none", 0), x]) : x;
  const parameters = [2, fraction, 1 - bias, largest].map((value) => w.number("format", value));
  if (saturates || beyond === largest) {
    w.own("QuantizeFloat", [number, ...parameters], output);
    return;
  }
  const rounded = w.own("QuantizeFloat", [x, ...parameters]);
  // The step between the largest number and the next that the format does not have. Half of it rounds to the even neighbour.
  const step = 2 ** (Math.floor(Math.log2(largest)) - fraction);
  const isOdd = (largest / step) % 2 === 1;
  const [magnitude, limit] = [w.add("Abs", [x]), w.number("limit", largest + step / 2)];
  const isBeyond = w.add(isOdd ? "GreaterOrEqual" : "Greater", [magnitude, limit]);
  const lost = Number.isNaN(beyond) ? notANumber(w, x) : w.add("Mul", [w.add("Sign", [x]), w.number("beyond", beyond)]);
  w.add("Where", [isBeyond, lost, rounded], {}, output);
}

/** NaN everywhere, computed from x: a constant NaN would look like a damaged weight. */
function notANumber(w: FloatWriter, x: string): string {
  const zero = w.add("Sub", [x, x]);
  return w.add("Div", [zero, zero]);
}

const quantizeLinear: FloatRewriting = (w, node) => {
  const [x = "", scale = "", zero = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const attributes = read(node);
  const [axis, block] = [attributes.int("axis", 1), attributes.int("block_size", 0)];
  const type = dataTypeOf(attributes.int("output_dtype", 0)) ?? w.typeOf(zero) ?? "uint8";
  const float = w.float(x);
  const factor = w.broadcastAlong(scale, x, axis, block);
  if (isNarrowFloat(type)) {
    roundToFloat(w, w.add("Div", [float, factor]), type, attributes.int("saturate", 1) !== 0, output);
    w.knowType(output, type);
  } else {
    quantize(w, float, factor, zero === "" ? "" : w.broadcastAlong(zero, x, axis, block), type, output);
  }
  w.knowRank(output, w.rankOf(x));
};

const dequantizeLinear: FloatRewriting = (w, node) => {
  const [x = "", scale = "", zero = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const attributes = read(node);
  const [axis, block] = [attributes.int("axis", 1), attributes.int("block_size", 0)];
  const [codes, steps, offsets] = [x, scale, zero].map((name) => w.constantOf(name));
  w.knowRank(output, w.rankOf(x));
  if (codes !== undefined && steps !== undefined && (zero === "" || offsets !== undefined)) {
    w.define(output, dequantized(codes, steps, offsets, axis, block));
    return;
  }
  w.add("Mul", [w.centred(x, zero, axis, block), w.broadcastAlong(scale, x, axis, block)], {}, output);
};

/** (codes − zero) · scale in float32; the scale and the zero point lie along an axis, each for `block` entries if that is not 0. */
export function dequantized(
  codes: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
  axis: number,
  block: number,
): Tensor {
  const [x, steps, offsets] = [codes, scale, zero].map((tensor) => tensor && (inFloats(tensor).data as Float32Array));
  const placeOf = placesAlong(codes.shape, axis < 0 ? axis + codes.shape.length : axis, block);
  const [ofStep, ofOffset] = [steps!, offsets].map((list) =>
    list === undefined || list.length === 1 ? () => 0 : placeOf,
  );
  const data = new Float32Array(x!.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.fround(x![i]! - (offsets?.[ofOffset!(i)] ?? 0)) * steps![ofStep!(i)]!;
  }
  return floatTensor(codes.shape, data);
}

/** Where the number lies that belongs to an entry of a tensor, from the entry's place. */
function placesAlong(shape: Shape, axis: number, block: number): (place: number) => number {
  const extent = shape[axis] ?? 1;
  const inner = sizeOf(shape.slice(axis + 1));
  if (block === 0) return (place) => Math.floor(place / inner) % extent;
  const blocks = Math.ceil(extent / block);
  return (place) => {
    const row = Math.floor(place / inner);
    const outer = Math.floor(row / extent);
    return (outer * blocks + Math.floor((row % extent) / block)) * inner + (place % inner);
  };
}

/**
 * The scale and the zero point follow from the extremes of x. Where tangents pass through the rounding, both are held fixed, as the
 * parameters of a quantization are: the node stays, and has no derivative. Else the scale is computed by operators that have one.
 */
const dynamicQuantizeLinear: FloatRewriting = (w, node) => {
  const [x = ""] = node.inputs;
  const [codes = "", scale = "", zero = ""] = node.outputs;
  const { scale: step, zero: offset } = dynamicParameters(w, x, scale || undefined, zero || undefined);
  if (codes !== "") quantize(w, x, step, w.float(offset), "uint8", codes);
};

/** The scale and the zero point of x, quantized to uint8 by its extremes. */
export function dynamicParameters(w: FloatWriter, x: string, scale?: string, zero?: string) {
  const [step, offset] = [scale ?? w.name("scale"), zero ?? w.name("zero")];
  w.knowRank(step, 0);
  w.knowRank(offset, 0);
  w.knowType(step, "float32");
  w.knowType(offset, "uint8");
  if (w.setting.choice === "straight-through") {
    w.push({ op: "DynamicQuantizeLinear", inputs: [x], outputs: [w.name("codes"), step, offset] });
    return { scale: step, zero: offset };
  }
  const none = w.number("none", 0);
  const largest = w.add("Max", [w.reduce("ReduceMax", x, undefined, 0), none]);
  const least = w.add("Min", [w.reduce("ReduceMin", x, undefined, 0), none]);
  const range = w.add("Sub", [largest, least]);
  const isPoint = w.add("Equal", [range, none]);
  w.add("Where", [isPoint, w.number("one", 1), w.add("Div", [range, w.number("codes", 255)])], {}, step);
  const place = w.add("Div", [w.add("Sub", [none, least]), step]);
  w.add("Cast", [w.add("Round", [place])], { to: int(2) }, offset);
  return { scale: step, zero: offset };
}

export const linearQuantization: Readonly<Record<string, FloatRewriting>> = {
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  QuantizeLinear: quantizeLinear,
};
