import { sizeOf } from "../../base/index.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { interpolate, linear, zerosBeyond } from "./interpolate.ts";
import { writerOf } from "./writer.ts";

/**
 * A convolution whose kernel reads X at positions of its own, between the entries: those of a convolution, moved by offsets. What it
 * reads is interpolated and multiplied by a mask, and the products with the weights are one matrix product for each group.
 *
 * @see Dai et al. 2017, "Deformable convolutional networks"; Zhu et al. 2019 for the mask
 */
function deformConv(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", offset = "", bias = "", mask = ""] = node.inputs;
  const read = to.attributes;
  const write = writerOf(to);
  const [batch, channels, ...spatial] = to.shape(x) as [number, number, ...number[]];
  const [filters, perGroup, ...kernel] = to.shape(weight) as [number, number, ...number[]];
  const output = to.shape(offset)!.slice(2);
  const rank = spatial.length;
  const ones = spatial.map(() => 1);
  const strides = read.ints("strides") ?? ones;
  const dilations = read.ints("dilations") ?? ones;
  const pads = read.ints("pads") ?? [...ones, ...ones].map(() => 0);
  const parts = read.int("offset_group", 1);
  const group = read.int("group", 1);
  const [taps, places] = [sizeOf(kernel), sizeOf(output)];

  const moved = write.reshape(offset, [batch * parts, taps, rank, places]);
  const positions = spatial.map((_, d) => {
    const [perTap, perPlace] = [sizeOf(kernel.slice(d + 1)), sizeOf(output.slice(d + 1))];
    const at = Array.from({ length: taps * places }, (_, i) => {
      const tap = Math.floor(Math.floor(i / places) / perTap) % kernel[d]!;
      const place = Math.floor((i % places) / perPlace) % output[d]!;
      return place * strides[d]! - pads[d]! + tap * dilations[d]!;
    });
    const own = write.gather(moved, write.ints([d], []), 2);
    return write.reshape(write.add(own, write.floats([taps, places], at)), [batch * parts, taps * places]);
  });
  const shape = [batch * parts, channels / parts, ...spatial];
  const count = taps * places;
  const whole = parts === 1 ? x : write.reshape(x, shape);
  const found = interpolate(write, { x: whole, shape, positions, count, kernel: linear, beyond: zerosBeyond });
  const masked = mask === "" ? found : write.mul(found, write.reshape(mask, [batch * parts, count]));
  const apart = write.reshape(masked, [channels / parts, batch, parts, count]);
  const columns = write.reshape(write.transpose(apart, [1, 2, 0, 3]), [batch, group, perGroup * taps, places]);
  const matrix = write.reshape(weight, [group, filters / group, perGroup * taps]);
  const y = write.reshape(write.op("MatMul", [matrix, columns]), [batch, filters, ...output]);
  if (bias === "") return standard(node, "Identity", [y]);
  return standard(node, "Add", [y, write.reshape(bias, [filters, ...ones])]);
}

/** Convolutions at positions that are computed. */
export const deformable: Readonly<Record<string, OperatorRewriting>> = {
  DeformConv: {
    attributes: ["dilations", "group", "kernel_shape", "offset_group", "pads", "strides"],
    looksAt: [0, 1, 2],
    rewrite: deformConv,
  },
};
