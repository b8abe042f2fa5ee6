import { type Shape, sizeOf } from "../../base/index.ts";
import { floatTensor, intTensor, readAttributes } from "../../onnx/index.ts";
import { averagePoolInFloat64, globalLpPoolInFloat64, lpPoolInFloat64, overSpatialAxes } from "../float64/pooling.ts";
import { poolWindowOf, windowAttributes, windowOf } from "../geometry.ts";
import { above, firstInRow, firstInWindow, sign, windowsWithEntries } from "../kinks.ts";
import type { Operator, Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { Window } from "../program.ts";
import type { Rule, RuleNode } from "../rule.ts";

const spatialAxes = (shape: Shape) => shape.slice(2).map((_, d, all) => d - all.length);

/** The entries of x at kept flat indices, in the shape of the output. */
function pickFlat(primal: PrimalBuilder, x: Value, y: Value, indices: Value) {
  const kept = primal.keep(primal.reshape(indices, [sizeOf(y.shape)]));
  return (...[l, dx]: Parameters<ReturnType<Rule>>) =>
    l.reshape(l.gather(l.reshape(dx, [sizeOf(x.shape)]), kept, -1), y.shape);
}

/** How many entries each window averages over, [1, 1, ...output]. Entries in the padding count if the node says so. */
function windowCounts(node: RuleNode, kernel: Shape, window: Window): Value["constant"] {
  const input = node.inputs[0]!.shape.slice(2);
  const output = node.outputs[0]!.shape.slice(2);
  const padded = node.attributes.int("count_include_pad", 0) !== 0;
  const endPads = windowOf(node, kernel, input, output).pads.slice(kernel.length);
  const counts = output.map((extent, d) =>
    Array.from({ length: extent }, (_, o) => {
      const start = o * window.strides[d]! - window.pads[d]!;
      const places = Array.from({ length: kernel[d]! }, (_, k) => start + k * window.dilations[d]!);
      const from = padded ? -window.pads[d]! : 0;
      // Entries beyond the stated padding, which ceil_mode can reach, never count.
      const to = padded ? input[d]! + endPads[d]! : input[d]!;
      return places.filter((place) => place >= from && place < to).length;
    }),
  );
  const product = counts.reduce((all, axis) => all.flatMap((a) => axis.map((b) => a * b)), [1]);
  return floatTensor(
    [1, 1, ...output],
    product.map((count) => 1 / count),
  );
}

const globalAverage: Rule = ({ inputs: [x], outputs: [y] }) => {
  const axes = spatialAxes(x!.shape);
  return (l, dx) => l.reshape(l.multiply(1 / sizeOf(x!.shape.slice(2)), l.sum(dx, axes)), y!.shape);
};

/**
 * y = (Σ|x|ᵖ)^(1/p) over windows; dy = y^(1−p) ∘ Σ(|x|ᵖ⁻¹ sign x ∘ dx), zero where y is. For p = 1 the derivative also jumps
 * where an x is 0.
 */
const lpSlopes = (primal: PrimalBuilder, x: Value, y: Value, p: number) => {
  const magnitude = primal.pow(primal.map("Abs", x), primal.scalar(p - 1));
  const inner = primal.keep(primal.mul(magnitude, p === 1 ? sign(primal, x) : primal.map("Sign", x)));
  const isPositive = above(primal, y, primal.scalar(0));
  const safe = primal.where(isPositive, y, primal.scalar(1));
  const outer = primal.keep(primal.mul(primal.pow(safe, primal.scalar(1 - p)), primal.mask(isPositive)));
  return { inner, outer };
};

/** The second output of MaxPool: the flat index, in row-major order, of the entry that each window takes. */
const settledIndices: Operator["settle"] = (primal, [x], { attributes, outputs: [y, indices] }) => {
  const read = readAttributes(attributes);
  if (indices === undefined || read.int("storage_order", 0) !== 0) return undefined;
  const kernel = read.ints("kernel_shape")!;
  const window = poolWindowOf({ attributes: read, inputs: [x!], outputs: [y!] }, kernel);
  return firstInWindow(primal, x!, y!, window, kernel);
};

export const pooling = {
  /** Each output follows the entry that it took; among equal ones the first in row-major order. */
  MaxPool: {
    tapName: "pool",
    attributes: [...windowAttributes, "ceil_mode", "storage_order"],
    kinks: "windows",
    settle: settledIndices,
    keeps: "pooling switches",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const y = node.outputs[0]!;
      const kernel = node.attributes.ints("kernel_shape")!;
      const window = poolWindowOf(node, kernel);
      const pick = pickFlat(primal, x, y, firstInWindow(primal, x, y, window, kernel));
      const output = y.shape.slice(2);
      const full = windowsWithEntries(x.shape.slice(2), output, kernel, window);
      const mask = full && primal.keep(primal.constant(floatTensor([1, 1, ...output], full)));
      return (l, dx) => (mask ? l.scale(mask, pick(l, dx)) : pick(l, dx));
    },
  },

  GlobalMaxPool: {
    tapName: "gmp",
    float64: overSpatialAxes("ReduceMax"),
    kinks: "windows",
    keeps: "pooling switches",
    rule: ({ inputs: [x], outputs: [y] }, primal) => {
      const [rows, columns] = [sizeOf(y!.shape), sizeOf(x!.shape.slice(2))];
      const asTable = (values: Value) => primal.reshape(values, [rows, columns]);
      const alive = primal.alive(x!.name);
      const chosen = firstInRow(primal, "Max", asTable(x!), alive && asTable(alive));
      const starts = primal.constant(intTensor(Array.from({ length: rows }, (_, row) => row * columns)));
      return pickFlat(primal, x!, y!, primal.op("Add", [chosen, starts], [rows], {}, "int64"));
    },
  },

  /** The sum over each window, divided by the number of entries that count. */
  AveragePool: {
    tapName: "pool",
    attributes: [...windowAttributes, "ceil_mode", "count_include_pad"],
    float64: averagePoolInFloat64,
    rule: (node, primal) => {
      const kernel = node.attributes.ints("kernel_shape")!;
      const window = poolWindowOf(node, kernel);
      const weights = primal.keep(primal.constant(windowCounts(node, kernel, window)!));
      return (l, dx) => l.scale(weights, l.windowSum(dx, { ...window, kernel }));
    },
  },

  GlobalAveragePool: { tapName: "gap", float64: overSpatialAxes("ReduceMean"), rule: globalAverage },

  LpPool: {
    tapName: "pool",
    attributes: [...windowAttributes, "ceil_mode", "p"],
    float64: lpPoolInFloat64,
    kinks: "neurons",
    keeps: "others",
    rule: (node, primal) => {
      const kernel = node.attributes.ints("kernel_shape")!;
      const window = { ...poolWindowOf(node, kernel), kernel };
      const { inner, outer } = lpSlopes(primal, node.inputs[0]!, node.outputs[0]!, node.attributes.int("p", 2));
      return (l, dx) => l.scale(outer, l.windowSum(l.scale(inner, dx), window));
    },
  },

  GlobalLpPool: {
    attributes: ["p"],
    float64: globalLpPoolInFloat64,
    kinks: "neurons",
    keeps: "others",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const y = node.outputs[0]!;
      const { inner, outer } = lpSlopes(primal, x, y, node.attributes.int("p", 2));
      return (l, dx) => l.scale(outer, l.sum(l.scale(inner, dx), spatialAxes(x.shape)));
    },
  },
} satisfies Operators;
