import { sizeOf } from "../../base/index.ts";
import { floatTensor } from "../build.ts";
import type { Tensor } from "../model.ts";
import { without } from "../rewrite.ts";
import { inFloats, read } from "./float-writer.ts";
import type { FloatRewriting } from "./linear.ts";
import { unpackedRows } from "./packed-weights.ts";

/** How the weights of experts are packed. */
interface Packing {
  readonly bits: number;
  /** How many entries of a row share a scale; all of them if it is 0. */
  readonly block: number;
}

/** The matrices of experts [experts, rows, columns] from their packed codes, with a scale and a zero point for each row or each block of it. */
function unpackedExperts(codes: Tensor, scales: Tensor, zeros: Tensor | undefined, { bits, block }: Packing): Tensor {
  const [experts = 1, rows = 1, bytes = 1] = codes.shape;
  const columns = (bytes * 8) / bits;
  const blocks = block === 0 ? 1 : Math.ceil(columns / block);
  const levels = unpackedRows(codes.data as Uint8Array, bits, experts * rows, columns);
  const steps = inFloats(scales).data as Float32Array;
  // Without blocks, the zero points of all rows of an expert are packed together.
  const lists = block === 0 ? experts : experts * rows;
  const offsets = zeros && unpackedRows(zeros.data as Uint8Array, bits, lists, (experts * rows * blocks) / lists);
  const data = new Float32Array(sizeOf([experts, rows, columns]));
  for (let row = 0, at = 0; row < experts * rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const own = row * blocks + (block === 0 ? 0 : Math.floor(column / block));
      data[at] = (levels[at]! - (offsets?.[own] ?? 2 ** (bits - 1))) * steps[own]!;
    }
  }
  return floatTensor([experts, rows, columns], data);
}

const PACKING = ["accuracy_level", "block_size", "expert_weight_bits", "quant_type", "weights_prepacked"] as const;

/** A mixture of experts whose weights are whole numbers of few bits: one of floats. */
const qMoE: FloatRewriting = (w, node) => {
  const { inputs } = node;
  const attributes = read(node);
  const packing = { bits: attributes.int("expert_weight_bits", 4), block: attributes.int("block_size", 0) };
  const parts = [0, 1, 2].map((i) => {
    const names = [inputs[2 + 3 * i] ?? "", inputs[3 + 3 * i] ?? "", inputs[11 + i] ?? ""];
    const [codes, scales, zeros] = names.map((name) => w.constantOf(name));
    const isKnown = names.every((name, at) => name === "" || [codes, scales, zeros][at] !== undefined);
    return { codes, scales, zeros, isKnown, isAbsent: names[0] === "", bias: inputs[4 + 3 * i] ?? "" };
  });
  const isWhole = attributes.text("quant_type", "int") === "int" && attributes.int("weights_prepacked", -1) < 1;
  const isKnown = parts.every((part) => part.isKnown && (part.isAbsent || part.scales !== undefined));
  if (!isWhole || !isKnown || inputs.slice(14).some((input) => input !== "")) {
    w.keep(node);
    return;
  }
  const weights = parts.flatMap(({ codes, scales, zeros, bias }) =>
    codes && scales ? [w.constant("experts", unpackedExperts(codes, scales, zeros, packing)), bias] : ["", bias],
  );
  w.push({
    ...node,
    op: "MoE",
    inputs: [...inputs.slice(0, 2), ...weights],
    attributes: without(node.attributes, ...PACKING),
  });
};

/** Mixtures of experts of few bits. */
export const quantizedExperts: Readonly<Record<string, FloatRewriting>> = { "com.microsoft:QMoE": qMoE };
