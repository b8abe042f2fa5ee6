import { floatTensor, intTensor } from "../../src/onnx/index.ts";
import type { GraphRow } from "./row.ts";

/** Conv, ReLU, a residual connection round a second convolution, pool, and a linear layer. */
export const residualNetwork: GraphRow = {
  nodes: [
    { op: "Conv", in: ["X", "W1", "B1"], out: ["c1"], attrs: { pads: [1, 1, 1, 1] } },
    { op: "Tanh", in: ["c1"], out: ["a1"] },
    { op: "Conv", in: ["a1", "W2", "B2"], out: ["c2"], attrs: { pads: [1, 1, 1, 1] } },
    { op: "Add", in: ["a1", "c2"], out: ["sum"] },
    { op: "Relu", in: ["sum"], out: ["a2"] },
    { op: "MaxPool", in: ["a2"], out: ["pool"], attrs: { kernel_shape: [2, 2], strides: [2, 2] } },
    { op: "Flatten", in: ["pool"], out: ["flat"] },
    { op: "Gemm", in: ["flat", "W3", "B3"], out: ["logits"], attrs: { transB: 1 } },
  ],
  in: { X: [1, 2, 6, 6], W1: [3, 2, 3, 3], B1: [3], W2: [3, 3, 3, 3], B2: [3], W3: [4, 27], B3: [4] },
  weights: ["W1", "B1", "W2", "B2", "W3", "B3"],
  targets: ["logits"],
  note: "a residual network",
};

/** One head of self-attention: the input meets itself in matrix products. */
const attention: GraphRow = {
  nodes: [
    { op: "MatMul", in: ["X", "Wq"], out: ["q"] },
    { op: "MatMul", in: ["X", "Wk"], out: ["k"] },
    { op: "MatMul", in: ["X", "Wv"], out: ["v"] },
    { op: "Transpose", in: ["k"], out: ["kT"], attrs: { perm: [0, 2, 1] } },
    { op: "MatMul", in: ["q", "kT"], out: ["scores"] },
    { op: "Softmax", in: ["scores"], out: ["p"], attrs: { axis: -1 } },
    { op: "MatMul", in: ["p", "v"], out: ["Y"] },
  ],
  in: { X: [1, 3, 4], Wq: [4, 2], Wk: [4, 2], Wv: [4, 3] },
  weights: ["Wq", "Wk", "Wv"],
  targets: ["Y"],
  note: "self-attention",
};

/** Attention to more keys than the result has columns. */
export const longAttention: GraphRow = {
  ...attention,
  in: { X: [1, 5, 4], Wq: [4, 2], Wk: [4, 2], Wv: [4, 3] },
  note: "attention to more keys than a result has columns",
};

/** A convolution of a concatenation, as in SqueezeNet and DenseNet. */
export const concatenation: GraphRow = {
  nodes: [
    { op: "Conv", in: ["X", "W1"], out: ["a"] },
    { op: "Conv", in: ["X", "W2"], out: ["b"], attrs: { pads: [1, 1, 1, 1] } },
    { op: "Concat", in: ["a", "b"], out: ["parts"], attrs: { axis: 1 } },
    { op: "Conv", in: ["parts", "W3", "B3"], out: ["Y"], attrs: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  ],
  in: { X: [1, 2, 5, 5], W1: [3, 2, 1, 1], W2: [2, 2, 3, 3], W3: [4, 5, 3, 3], B3: [4] },
  weights: ["W1", "W2", "W3", "B3"],
  targets: ["Y"],
  note: "a convolution of a concatenation",
};

const bounds = {
  b0: intTensor([0]),
  b2: intTensor([2]),
  b4: intTensor([4]),
  b6: intTensor([6]),
  last: intTensor([-1]),
};

/** A step of an LSTM, written out: four gates cut from one product, with slopes before and after the cut. */
export const gatedStep: GraphRow = {
  nodes: [
    { op: "MatMul", in: ["X", "R"], out: ["all"] },
    { op: "Slice", in: ["all", "b0", "b6", "last"], out: ["open"] },
    { op: "Sigmoid", in: ["open"], out: ["gates"] },
    { op: "Slice", in: ["gates", "b0", "b2", "last"], out: ["i"] },
    { op: "Slice", in: ["gates", "b2", "b4", "last"], out: ["o"] },
    { op: "Slice", in: ["gates", "b4", "b6", "last"], out: ["f"] },
    { op: "Slice", in: ["all", "b6", "b8", "last"], out: ["inner"] },
    { op: "Tanh", in: ["inner"], out: ["g"] },
    { op: "Mul", in: ["i", "g"], out: ["new"] },
    { op: "Mul", in: ["f", "C"], out: ["old"] },
    { op: "Add", in: ["new", "old"], out: ["c"] },
    { op: "Tanh", in: ["c"], out: ["tanh"] },
    { op: "Mul", in: ["o", "tanh"], out: ["h"] },
  ],
  in: { X: [1, 3, 2], R: [2, 8], C: [1, 3, 2], ...bounds, b8: intTensor([8]) },
  weights: ["R"],
  by: ["X", "C"],
  targets: ["h", "c"],
  note: "a step of an LSTM",
};

/** Factors one after the other, with cuts between that overlap, leave entries out or go along two axes. */
const factorChains: readonly GraphRow[] = [
  {
    nodes: [
      { op: "Tanh", in: ["X"], out: ["t"] },
      { op: "Mul", in: ["t", "row"], out: ["s"] },
      { op: "Slice", in: ["s", "b0", "b4", "last"], out: ["left"] },
      { op: "Slice", in: ["s", "b2", "b6", "last"], out: ["right"] },
      { op: "Sigmoid", in: ["left"], out: ["l"] },
      { op: "Neg", in: ["right"], out: ["n"] },
      { op: "Mul", in: ["l", "n"], out: ["Y"] },
    ],
    in: { X: [2, 3, 6], row: [6], ...bounds },
    targets: ["Y"],
    note: "factors before and after cuts that overlap",
  },
  {
    nodes: [
      { op: "Sigmoid", in: ["X"], out: ["s"] },
      { op: "Slice", in: ["s", "b0", "b2", "last"], out: ["a"] },
      { op: "Slice", in: ["s", "b4", "b6", "last"], out: ["b"] },
      { op: "Slice", in: ["a", "b0", "b2", "rows"], out: ["c"] },
      { op: "Slice", in: ["b", "b2", "b4", "rows"], out: ["d"] },
      { op: "Tanh", in: ["c"], out: ["e"] },
      { op: "Mul", in: ["d", "half"], out: ["f"] },
      { op: "Mul", in: ["f", "half"], out: ["g"] },
      { op: "Sub", in: ["e", "g"], out: ["Y"] },
    ],
    in: { X: [1, 4, 6], rows: intTensor([1]), half: floatTensor([], [0.5]), ...bounds },
    targets: ["Y", "b"],
    note: "cuts along two axes, one of which is a target",
  },
  {
    nodes: [
      { op: "Exp", in: ["X"], out: ["e"] },
      { op: "Mul", in: ["e", "column"], out: ["s"] },
      { op: "Mul", in: ["s", "s"], out: ["q"] },
      { op: "Neg", in: ["q"], out: ["n"] },
      { op: "Mul", in: ["n", "row"], out: ["Y"] },
    ],
    in: { X: [3, 4], column: [3, 1], row: [1, 4] },
    targets: ["Y"],
    note: "factors of different shapes",
  },
];

export const graphRows: readonly GraphRow[] = [
  residualNetwork,
  { ...residualNetwork, targets: ["sum"], note: "up to the residual sum" },
  { ...residualNetwork, by: ["W1", "B2", "W3"], note: "by three weights" },
  { ...residualNetwork, targets: ["a1", "logits"], note: "two targets, one on the way to the other" },
  concatenation,
  { ...concatenation, targets: ["parts", "Y"], note: "a concatenation that is a target too" },
  { ...concatenation, by: ["W1", "W3"], note: "a convolution of a concatenation, by weights" },
  attention,
  { ...attention, by: ["Wq", "Wk", "Wv"], note: "self-attention by its weights" },
  longAttention,
  { ...longAttention, by: ["X", "Wv"], note: "attention to more keys than a result has columns, by a weight too" },
  gatedStep,
  { ...gatedStep, targets: ["h", "gates"], note: "a step of an LSTM whose gates are a target too" },
  ...factorChains,
  ...[1, 2].map(
    (batch): GraphRow => ({
      nodes: [
        { op: "Relu", in: ["X"], out: ["a"] },
        { op: "MaxPool", in: ["a"], out: ["Y"], attrs: { kernel_shape: [2, 2] } },
        { op: "GlobalMaxPool", in: ["a"], out: ["top"] },
      ],
      in: { X: [batch, 2, 3, 3] },
      from: "distinct",
      targets: batch === 1 ? ["Y"] : ["Y", "top"],
      note: `pools of what a ReLU lets through, batch ${batch}`,
    }),
  ),
  {
    nodes: [
      { op: "Transpose", in: ["X"], out: ["T"], attrs: { perm: [0, 1, 3, 2] } },
      { op: "Slice", in: ["T", "starts", "ends", "axes"], out: ["S"] },
      { op: "Transpose", in: ["S"], out: ["Y"], attrs: { perm: [0, 2, 1, 3] } },
    ],
    in: { X: [1, 2, 3, 4], starts: intTensor([1]), ends: intTensor([3]), axes: intTensor([-1]) },
    targets: ["Y"],
    note: "padding between transpositions, in the transpose",
  },
  {
    nodes: [
      { op: "Split", in: ["X", "sizes"], out: ["a", "b"], attrs: { axis: 1 } },
      { op: "Sigmoid", in: ["b"], out: ["gate"] },
      { op: "Mul", in: ["a", "gate"], out: ["Y"] },
    ],
    in: { X: [1, 4, 3], sizes: intTensor([2, 2]) },
    targets: ["Y"],
    note: "a gated linear unit",
  },
  {
    nodes: [
      { op: "Greater", in: ["X", "limit"], out: ["isAbove"] },
      { op: "Where", in: ["isAbove", "X", "Z"], out: ["Y"] },
    ],
    in: { X: [2, 6], limit: floatTensor([], [1]), Z: [2, 6] },
    by: ["X", "Z"],
    from: "away-from-kinks",
    targets: ["Y"],
    note: "entries that a comparison selects",
  },
  {
    nodes: [
      { op: "ArgMax", in: ["X"], out: ["largest"], attrs: { axis: 0, keepdims: 0 } },
      { op: "Gather", in: ["X", "largest"], out: ["Y"], attrs: { axis: 0 } },
    ],
    in: { X: [3, 4] },
    from: "distinct",
    targets: ["Y"],
    note: "rows at places that depend on the input",
  },
];
