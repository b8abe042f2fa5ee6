import { floatTensor, intTensor } from "../../../src/onnx/index.ts";
import type { OpRow, RowAttributes } from "../row.ts";

const loss = (op: string, row: Partial<OpRow>): OpRow[] =>
  (["none", "sum", "mean"] as const).flatMap((reduction): OpRow[] => {
    const attrs: RowAttributes = { reduction, ...row.attrs };
    return [{ op, in: {}, ...row, attrs }];
  });

const weight = floatTensor([4], [0.5, 2, 1, 0.25]);

const losses = (op: string): OpRow[] => [
  ...loss(op, { in: { X: [3, 4], target: intTensor([1, 0, 3]) } }),
  ...loss(op, { in: { X: [3, 4], target: intTensor([1, 0, 3]), weight }, by: ["X"] }),
  ...loss(op, { in: { X: [2, 4, 3], target: intTensor([1, 0, 3, 2, 2, 1], [2, 3]), weight } }),
  ...loss(op, { in: { X: [3, 4], target: intTensor([1, 2, 3]), weight }, attrs: { ignore_index: 2 } }),
  ...loss(op, { in: { X: [1, 4, 2, 2], target: intTensor([0, 255, 3, 1], [1, 2, 2]) }, attrs: { ignore_index: 255 } }),
  ...loss(op, { in: { X: [2, 4], target: intTensor([-1, 2]) }, attrs: { ignore_index: -1 } }),
  ...loss(op, { in: { X: [3, 4], target: intTensor([1, 0, 3]), weight: [4] }, by: ["X", "weight"], from: "positive" }),
  { op, in: { X: [2, 4], target: intTensor([3, 0]) }, note: "the mean if nothing is said" },
];

const DOMAIN = "ai.onnx.preview.training";
const withoutForward = "ONNX Runtime has no kernel of it";

/** A step of one parameter, or of two of other shapes, by all that is remembered. */
const optimizer = (
  op: string,
  lists: readonly string[],
  attrs: RowAttributes,
  count: number,
  several = false,
): OpRow => {
  const shapes = several ? [[2, 3], [4]] : [[2, 3]];
  const tensors = lists.flatMap((list) =>
    shapes.map((shape, i) => [`${list}${i}`, { shape, from: "positive" as const }] as const),
  );
  return {
    op,
    domain: DOMAIN,
    in: { R: floatTensor([], [0.1]), T: intTensor([count], []), ...Object.fromEntries(tensors) },
    by: tensors.map(([name]) => name),
    attrs,
    outputs: (lists.length - 1) * shapes.length,
    withoutForward,
  };
};

export const lossRows: readonly OpRow[] = [
  ...losses("NegativeLogLikelihoodLoss"),
  ...losses("SoftmaxCrossEntropyLoss"),
  { op: "SoftmaxCrossEntropyLoss", in: { X: [2, 4, 2], target: intTensor([3, 0, 1, 1], [2, 2]) }, outputs: 2 },
  optimizer("Adagrad", ["x", "g", "h"], { norm_coefficient: 0.01, epsilon: 1e-3, decay_factor: 0.1 }, 3),
  optimizer("Adagrad", ["x", "g", "h"], {}, 0, true),
  optimizer("Adam", ["x", "g", "v", "h"], { norm_coefficient: 0.01, alpha: 0.95, beta: 0.85, epsilon: 1e-2 }, 3),
  optimizer("Adam", ["x", "g", "v", "h"], { norm_coefficient_post: 0.1 }, 0, true),
  optimizer("Momentum", ["x", "g", "v"], { norm_coefficient: 0.01, alpha: 0.95, beta: 0.1, mode: "standard" }, 3),
  optimizer("Momentum", ["x", "g", "v"], { norm_coefficient: 0, alpha: 0.95, beta: 0.5, mode: "standard" }, 0, true),
  optimizer("Momentum", ["x", "g", "v"], { norm_coefficient: 0.01, alpha: 0.95, beta: 0.1, mode: "nesterov" }, 1),
];
