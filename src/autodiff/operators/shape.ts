import { type Shape, sizeOf } from "../../base/index.ts";
import { floatTensor, intTensor, toNumbers } from "../../onnx/index.ts";
import { resizeInFloat64 } from "../float64/resize.ts";
import type { Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { Tangent } from "../program.ts";
import { resize } from "../resize.ts";
import { resizeCost } from "../resize-matrices.ts";
import { constant, fromRight, type Rule, type RuleNode, reshaped, steering } from "../rule.ts";

const indicesOf = (primal: PrimalBuilder, places: readonly number[]) => primal.keep(primal.constant(intTensor(places)));

/** The start, step and count of a slice along one axis, with limits clamped as in ONNX. */
function clampSlice(extent: number, start: number, end: number, step: number) {
  const clamp = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + extent : at, low), high);
  const from = step > 0 ? clamp(start, 0, extent) : clamp(start, 0, extent - 1);
  const to = step > 0 ? clamp(end, 0, extent) : clamp(end, -1, extent - 1);
  return { from, count: Math.max(0, Math.ceil((to - from) / step)) };
}

const slice: Rule = (node, primal) => {
  const x = node.inputs[0]!;
  const starts = steering(node, 1)!;
  const ends = steering(node, 2)!;
  const axes = (steering(node, 3) ?? starts.map((_, i) => i)).map((axis) => fromRight(axis, x.shape));
  const steps = steering(node, 4) ?? starts.map(() => 1);
  const cuts = axes.map((axis, i) => {
    const step = steps[i]!;
    const { from, count } = clampSlice(x.shape.at(axis)!, starts[i]!, ends[i]!, step);
    const places = Array.from({ length: count }, (_, p) => from + p * step);
    return { axis, from, count, indices: step === 1 ? undefined : indicesOf(primal, places) };
  });
  return (l, dx) =>
    cuts.reduce<Tangent>(
      (t, { axis, from, count, indices }) => (indices ? l.gather(t, indices, axis) : l.slice(t, axis, from, count)),
      dx,
    );
};

/** Which entry of an axis is repeated at each padded position. */
function padSource(mode: string, place: number, extent: number): number {
  if (mode === "edge") return Math.min(Math.max(place, 0), extent - 1);
  const modulo = (value: number, by: number) => ((value % by) + by) % by;
  if (mode === "wrap") return modulo(place, extent);
  const period = Math.max(2 * (extent - 1), 1);
  const folded = modulo(place, period);
  return folded < extent ? folded : period - folded;
}

const pad: Rule = (node, primal) => {
  const x = node.inputs[0]!;
  const pads = steering(node, 1)!;
  const axes = (steering(node, 3) ?? x.shape.map((_, axis) => axis)).map((axis) => fromRight(axis, x.shape));
  const mode = node.attributes.text("mode", "constant");
  const sides = axes
    .map((axis, i) => ({ axis, extent: x.shape.at(axis)!, before: pads[i]!, after: pads[axes.length + i]! }))
    .filter(({ before, after }) => before !== 0 || after !== 0)
    .map(({ axis, extent, before, after }) => {
      const places = Array.from({ length: extent + before + after }, (_, p) => padSource(mode, p - before, extent));
      return { axis, extent, before, after, indices: mode === "constant" ? undefined : indicesOf(primal, places) };
    });
  const frame = node.varies(2) && mode === "constant" ? frameOf(node, primal) : undefined;
  return (l, dx, _pads, dvalue) => {
    const inside = sides.reduce<Tangent>((t, { axis, extent, before, after, indices }) => {
      if (indices) return l.gather(t, indices, axis);
      const cropped = l.slice(t, axis, Math.max(-before, 0), extent + Math.min(before, 0) + Math.min(after, 0));
      return l.pad(cropped, axis, Math.max(before, 0), Math.max(after, 0));
    }, dx);
    return frame === undefined ? inside : l.add(inside, l.scale(frame, l.broadcast(dvalue, node.outputs[0]!.shape)));
  };
};

/** 1 where a Pad writes its constant value, and 0 elsewhere. */
function frameOf(node: RuleNode, primal: PrimalBuilder) {
  const [zeros, one] = [primal.expand(primal.scalar(0), node.inputs[0]!.shape), primal.scalar(1)];
  const axes = node.optional(3);
  const inputs = [zeros, node.inputs[1]!, one, ...(axes === undefined ? [] : [axes])];
  return primal.keep(primal.op("Pad", inputs, node.outputs[0]!.shape));
}

/** Selects entries along an axis. The indices may depend on the input of the model. */
const gather: Rule = (node, primal) => {
  const [x, indices] = node.inputs as readonly [Value, Value];
  const axis = fromRight(node.attributes.int("axis", 0), x.shape);
  const extent = x.shape.at(axis)!;
  const count = sizeOf(indices.shape);
  const wrapped =
    indices.constant !== undefined
      ? primal.constant(intTensor(toNumbers(indices.constant).map((i) => (i < 0 ? i + extent : i))))
      : primal.op(
          "Mod",
          [
            primal.op(
              "Add",
              [primal.reshape(primal.cast(indices, "int64"), [count]), primal.constant(intTensor([extent]))],
              [count],
              {},
              "int64",
            ),
            primal.constant(intTensor([extent])),
          ],
          [count],
          {},
          "int64",
        );
  const kept = primal.keep(wrapped);
  return (l, dx) => l.reshape(l.gather(dx, kept, axis), node.outputs[0]!.shape);
};

const concat: Rule = ({ inputs, outputs: [y], attributes }) => {
  const axis = fromRight(attributes.int("axis", 0), y!.shape);
  const extents = inputs.map((x) => x.shape.at(axis)!);
  return (l, ...tangents) => {
    const present = tangents.filter((t) => t !== undefined);
    if (present.length === inputs.length) return l.concat(present, axis);
    let before = 0;
    const placed = inputs.map((_, i) => {
      const at = before;
      before += extents[i]!;
      return l.pad(tangents[i], axis, at, y!.shape.at(axis)! - at - extents[i]!);
    });
    return l.add(...placed);
  };
};

const split: Rule = ({ inputs: [x], outputs, attributes }) => {
  const axis = fromRight(attributes.int("axis", 0), x!.shape);
  return (l, dx) => {
    let start = 0;
    return outputs.map((y) => {
      const size = y.shape.at(axis)!;
      const part = l.slice(dx, axis, start, size);
      start += size;
      return part;
    });
  };
};

/** Repeats a tensor along every axis, by broadcasting over a new axis before each. */
const tile: Rule = (node) => {
  const x = node.inputs[0]!;
  const repeats = steering(node, 1)!;
  const apart = x.shape.flatMap((extent) => [1, extent]);
  const wide = x.shape.flatMap((extent, axis) => [repeats[axis]!, extent]);
  return (l, dx) => l.reshape(l.broadcast(l.reshape(dx, apart), wide), node.outputs[0]!.shape);
};

/** Moves blocks of size b from depth to space: transposes [N, b, b, C, H, W] or [N, C, b, b, H, W]. */
const depthToSpace: Rule = ({ inputs: [x], outputs: [y], attributes }) => {
  const b = attributes.int("blocksize", 1);
  const [batch, channels, height, width] = x!.shape as [number, number, number, number];
  const depth = channels / (b * b);
  const columnFirst = attributes.text("mode", "DCR") === "CRD";
  const apart = columnFirst ? [batch, depth, b, b, height, width] : [batch, b, b, depth, height, width];
  const perm = columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return (l, dx) => l.reshape(l.transpose(l.reshape(dx, apart), perm), y!.shape);
};

const spaceToDepth: Rule = ({ inputs: [x], outputs: [y], attributes }) => {
  const b = attributes.int("blocksize", 1);
  const [batch, channels, height, width] = x!.shape as [number, number, number, number];
  const apart = [batch, channels, height / b, b, width / b, b];
  return (l, dx) => l.reshape(l.transpose(l.reshape(dx, apart), [0, 3, 5, 1, 2, 4]), y!.shape);
};

/** yᵢ = start + i · step. The number of entries must be the same at every input. */
const range: Rule = ({ outputs: [y] }, primal) => {
  const { shape } = y!;
  const places = primal.keep(
    primal.constant(
      floatTensor(
        shape,
        Float32Array.from({ length: shape[0]! }, (_, i) => i),
      ),
    ),
  );
  return (l, dstart, _dlimit, dstep) => l.add(l.broadcast(dstart, shape), l.scale(places, l.broadcast(dstep, shape)));
};

const expand: Rule = ({ outputs: [y] }) => {
  const shape: Shape = y!.shape;
  return (l, dx) => l.broadcast(dx, shape);
};

export const shape = {
  Reshape: { rearranges: true, attributes: ["allowzero"], rule: reshaped },
  Flatten: { rearranges: true, attributes: ["axis"], rule: reshaped },
  Squeeze: { rearranges: true, rule: reshaped },
  Unsqueeze: { rearranges: true, rule: reshaped },
  Transpose: {
    rearranges: true,
    attributes: ["perm"],
    rule: ({ inputs: [x], attributes }) => {
      const perm = attributes.ints("perm") ?? x!.shape.map((_, axis) => x!.shape.length - 1 - axis);
      return (l, dx) => l.transpose(dx, perm);
    },
  },
  Concat: { attributes: ["axis"], rule: concat },
  Split: { attributes: ["axis", "num_outputs"], rule: split },
  Slice: { rule: slice },
  Pad: { attributes: ["mode"], rule: pad },
  Gather: { attributes: ["axis"], keeps: "others", rule: gather },
  Expand: { rule: expand },
  Tile: { rule: tile },
  Resize: {
    attributes: [
      "antialias",
      "axes",
      "coordinate_transformation_mode",
      "cubic_coeff_a",
      "exclude_outside",
      "extrapolation_value",
      "keep_aspect_ratio_policy",
      "mode",
      "nearest_mode",
    ],
    multiplyAdds: resizeCost,
    float64: resizeInFloat64,
    rule: resize,
  },
  DepthToSpace: { attributes: ["blocksize", "mode"], rule: depthToSpace },
  SpaceToDepth: { attributes: ["blocksize"], rule: spaceToDepth },
  Shape: { attributes: ["end", "start"], rule: constant },
  Size: { rule: constant },
  ConstantOfShape: { attributes: ["value"], float64: "none", rule: constant },
  Range: { attributes: ["stash_type"], rule: range },
  EyeLike: { attributes: ["dtype", "k"], float64: "none", rule: constant },
  /** The bins that it weighs are whole numbers, so that it does not move with the edges. */
  MelWeightMatrix: { attributes: ["output_datatype"], float64: "none", rule: constant },
  NonZero: { float64: "none", rule: constant },
} satisfies Operators;
