import { sizeOf } from "../../base/index.ts";
import { intTensor } from "../../onnx/index.ts";
import { convolutionInFloat64, transposedConvolutionInFloat64 } from "../float64/convolution.ts";
import { windowAttributes, windowOf } from "../geometry.ts";
import type { Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { LinearBuilder, OpAttributes, Tangent } from "../program.ts";
import { convolutionWeights, transposedWeights } from "../weights.ts";

/** The shape [1, O, 1, …] of a bias [O]. */
const channelShape = (channels: number, rank: number) => [1, channels, ...new Array<number>(rank).fill(1)];

export const convolution = {
  /** y = x * W + b; dy = dx * W + x * dW + db. */
  Conv: {
    attributes: [...windowAttributes, "group"],
    weights: convolutionWeights,
    // W is [M, C / group, …]: each output entry is a sum over one slice of it.
    multiplyAdds: ({ inputs: [, w], outputs: [y] }) => sizeOf(y!.shape) * sizeOf(w!.shape.slice(1)),
    float64: convolutionInFloat64,
    keeps: "others",
    rule: (node, primal) => {
      const [x, w] = node.inputs as readonly [Value, Value];
      const y = node.outputs[0]!;
      const kernel = w.shape.slice(2);
      const window = {
        ...windowOf(node, kernel, x.shape.slice(2), y.shape.slice(2)),
        group: node.attributes.int("group", 1),
      };
      const keptW = node.varies(0) ? primal.keep(w) : undefined;
      const keptX = node.varies(1) ? primal.keep(x) : undefined;
      return (l, dx, dw, db) =>
        l.add(
          keptW && l.conv(dx, keptW, window),
          keptX && l.convWeight(keptX, dw, window),
          l.broadcast(l.reshape(db, channelShape(w.shape[0]!, kernel.length)), y.shape),
        );
    },
  },

  /** The adjoint of a convolution, used as a layer; W [I, O/group, …]. */
  ConvTranspose: {
    tapName: "deconv",
    attributes: [...windowAttributes, "group", "output_padding", "output_shape"],
    weights: transposedWeights,
    // W is [C, M / group, …]: each input entry is spread by one slice of it.
    multiplyAdds: ({ inputs: [x, w] }) => sizeOf(x!.shape) * sizeOf(w!.shape.slice(1)),
    float64: transposedConvolutionInFloat64,
    keeps: "others",
    rule: (node, primal) => {
      const [x, w] = node.inputs as readonly [Value, Value];
      const y = node.outputs[0]!;
      const { attributes } = node;
      const kernel = w.shape.slice(2);
      const rank = kernel.length;
      const size = y.shape.slice(2);
      const strides = attributes.ints("strides") ?? kernel.map(() => 1);
      const dilations = attributes.ints("dilations") ?? kernel.map(() => 1);
      const outputPadding = attributes.ints("output_padding") ?? kernel.map(() => 0);
      const auto = attributes.text("auto_pad", "NOTSET");
      const stated = (auto === "NOTSET" ? attributes.ints("pads") : undefined) ?? [...kernel, ...kernel].map(() => 0);
      // The difference between the full extent and the output is padding. If it is not stated, auto_pad says how it is split.
      const total = size.map((extent, d) => {
        const reach = (kernel[d]! - 1) * dilations[d]! + 1;
        return (x.shape[2 + d]! - 1) * strides[d]! + outputPadding[d]! + reach - extent;
      });
      const derived = attributes.ints("output_shape") !== undefined || auto.startsWith("SAME");
      const begins = derived
        ? total.map((pad) => (auto === "SAME_UPPER" ? Math.floor : Math.ceil)(Math.max(pad, 0) / 2))
        : stated.slice(0, rank);
      const ends = total.map((pad, d) => pad - begins[d]! - outputPadding[d]!);
      // If the padding at the end is negative, the output has entries that no window reaches.
      const beyond = ends.map((pad) => Math.max(-pad, 0));
      const reached = size.map((extent, d) => extent - beyond[d]!);
      const group = attributes.int("group", 1);
      const window = { strides, dilations, pads: [...begins, ...ends.map((pad) => Math.max(pad, 0))], group };
      const keptW = node.varies(0) ? primal.keep(w) : undefined;
      const byWeight = node.varies(1) ? alongWeight(primal, x, w, { ...window, size }) : undefined;
      const byInput = (l: LinearBuilder, dx: Tangent) =>
        keptW &&
        beyond.reduce<Tangent>(
          (t, extra, d) => l.pad(t, d - rank, 0, extra),
          l.convTranspose(dx, keptW, { ...window, size: reached }),
        );
      return (l, dx, dw, db) =>
        l.add(byInput(l, dx), byWeight?.(l, dw), l.broadcast(l.reshape(db, channelShape(y.shape[1]!, rank)), y.shape));
    },
  },
} satisfies Operators;

/**
 * A transposed convolution as a function of its weight: a plain convolution of x, with zeros between its entries for the strides,
 * with the reversed weight.
 */
function alongWeight(
  primal: PrimalBuilder,
  x: Value,
  w: Value,
  { strides, dilations, pads, group, size }: OpAttributes["convTranspose"],
): (l: LinearBuilder, dw: Tangent) => Tangent {
  const [channels, perGroup, ...kernel] = w.shape as [number, number, ...number[]];
  const spatial = x.shape.slice(2);
  const zero = primal.scalar(0);
  const spreadShape = spatial.flatMap((extent, d) => [extent, strides[d]!]);
  const apart = primal.reshape(x, [...x.shape.slice(0, 2), ...spatial.flatMap((extent) => [extent, 1])]);
  const padding = spreadShape.map((_, i) => (i % 2 === 0 ? 0 : strides[(i - 1) / 2]! - 1));
  const lead = [0, 0];
  const spread = primal.op(
    "Pad",
    [apart, primal.constant(intTensor([...lead, ...padding.map(() => 0), ...lead, ...padding])), zero],
    [...x.shape.slice(0, 2), ...spreadShape],
  );
  const wide = spatial.map((extent, d) => extent * strides[d]!);
  const merged = primal.reshape(spread, [...x.shape.slice(0, 2), ...wide]);
  // Negative pads crop; Pad accepts both signs.
  const begins = kernel.map((extent, d) => (extent - 1) * dilations[d]! - pads[d]!);
  const ends = kernel.map((extent, d) => size[d]! + (extent - 1) * dilations[d]! - wide[d]! - begins[d]!);
  const placed = primal.op(
    "Pad",
    [merged, primal.constant(intTensor([...lead, ...begins, ...lead, ...ends])), zero],
    [...x.shape.slice(0, 2), ...wide.map((extent, d) => extent + begins[d]! + ends[d]!)],
  );
  const kept = primal.keep(placed);
  const reversed = kernel.map((extent) =>
    primal.keep(primal.constant(intTensor(Array.from({ length: extent }, (_, i) => extent - 1 - i)))),
  );
  const plain = { strides: kernel.map(() => 1), dilations, pads: [...kernel, ...kernel].map(() => 0), group };
  return (l, dw) => {
    const grouped = l.reshape(dw, [group, channels / group, perGroup, ...kernel]);
    const turned = l.transpose(grouped, [0, 2, 1, ...kernel.map((_, d) => d + 3)]);
    const weight = l.reshape(turned, [group * perGroup, channels / group, ...kernel]);
    const flipped = reversed.reduce((dx, indices, d) => l.gather(dx, indices, d - kernel.length), weight);
    return l.convWeight(kept, flipped, plain);
  };
}
