import { tableOf } from "../base/index.ts";

/** What the ONNX format says of an operator and reading a graph must know, whether or not it can be differentiated. */
export interface FormatFacts {
  /** Whether its outputs are drawn at random, so that they are never constant. */
  readonly isRandom?: true;
  /** The input without which it draws nothing. */
  readonly drawsBy?: number;
  /** Whether its output is not a tensor, so that it cannot be fetched. */
  readonly makesTensors?: false;
  /** The inputs whose values determine the shape of the output; `values` where those of its ordinary inputs do. */
  readonly shapedBy?: readonly number[] | "values";
  /** How many outputs it must name; `as listed` where the number of names is the number of outputs. 1 if left out. */
  readonly outputs?: number | "as listed";
  /** Whether it reads the shapes of its inputs alone. */
  readonly asksShape?: true;
  /** Whether it only moves, repeats or leaves out entries of any type: those of its first input, or of several, which have one type. */
  readonly moves?: "first input" | "several inputs";
  /**
   * What an infinity in a constant input means where it is not moved alone: it `passes` to the next operator, or `counts` as a mask or a
   * bound. In all other operators it is a damaged weight.
   */
  readonly infinity?: "passes" | "counts";
  /** Whether it gives entries of some inputs where another one says so, so that a NaN passes to the next operator. */
  readonly selects?: true;
}

/** The facts by the operator's name. An operator without an entry has none of them. */
const facts = tableOf<Readonly<Record<string, FormatFacts>>>({
  Add: { infinity: "counts" },
  AffineGrid: { shapedBy: [1] },
  Attention: { infinity: "counts" },
  Bernoulli: { isRandom: true },
  BitCast: { infinity: "passes" },
  Cast: { infinity: "passes" },
  CastLike: { infinity: "passes" },
  CausalConvWithState: { outputs: 2 },
  CenterCropPad: { shapedBy: [1] },
  Clip: { infinity: "counts" },
  Col2Im: { shapedBy: [1, 2] },
  Compress: { shapedBy: "values", moves: "first input" },
  Concat: { moves: "several inputs" },
  ConstantOfShape: { shapedBy: [0], infinity: "passes" },
  DepthToSpace: { moves: "first input" },
  Dropout: { isRandom: true, drawsBy: 2, infinity: "passes" },
  DynamicQuantizeLinear: { outputs: 3 },
  Equal: { infinity: "counts" },
  Expand: { shapedBy: [1], moves: "first input" },
  Flatten: { moves: "first input" },
  Gather: { moves: "first input" },
  GatherElements: { moves: "first input" },
  GatherND: { moves: "first input" },
  Greater: { infinity: "counts" },
  GreaterOrEqual: { infinity: "counts" },
  Identity: { moves: "first input" },
  If: { shapedBy: "values", outputs: "as listed", infinity: "passes" },
  IsInf: { infinity: "counts" },
  IsNaN: { infinity: "counts" },
  Less: { infinity: "counts" },
  LessOrEqual: { infinity: "counts" },
  LinearAttention: { outputs: 2 },
  LogSoftmax: { infinity: "counts" },
  Loop: { shapedBy: "values", outputs: "as listed", infinity: "passes" },
  Max: { infinity: "counts" },
  MaxUnpool: { shapedBy: [2] },
  MelWeightMatrix: { shapedBy: [0, 1] },
  Min: { infinity: "counts" },
  Multinomial: { isRandom: true },
  NonMaxSuppression: { shapedBy: "values" },
  NonZero: { shapedBy: "values" },
  OneHot: { shapedBy: [1] },
  Optional: { makesTensors: false },
  Pad: { shapedBy: [1, 3], moves: "several inputs" },
  RandomNormal: { isRandom: true },
  RandomNormalLike: { isRandom: true },
  RandomUniform: { isRandom: true },
  RandomUniformLike: { isRandom: true },
  Range: { shapedBy: [0, 1, 2] },
  ReduceL1: { shapedBy: [1] },
  ReduceL2: { shapedBy: [1] },
  ReduceLogSum: { shapedBy: [1] },
  ReduceLogSumExp: { shapedBy: [1] },
  ReduceMax: { shapedBy: [1] },
  ReduceMean: { shapedBy: [1] },
  ReduceMin: { shapedBy: [1] },
  ReduceProd: { shapedBy: [1] },
  ReduceSum: { shapedBy: [1] },
  ReduceSumSquare: { shapedBy: [1] },
  Reshape: { shapedBy: [1], moves: "first input" },
  Resize: { shapedBy: [1, 2, 3] },
  ReverseSequence: { moves: "first input" },
  Scan: { shapedBy: "values", outputs: "as listed", infinity: "passes" },
  ScatterElements: { moves: "several inputs" },
  ScatterND: { moves: "several inputs" },
  SequenceConstruct: { makesTensors: false },
  SequenceEmpty: { makesTensors: false },
  SequenceErase: { makesTensors: false },
  SequenceInsert: { makesTensors: false },
  SequenceMap: { makesTensors: false, outputs: "as listed" },
  Shape: { asksShape: true },
  Size: { asksShape: true },
  Slice: { shapedBy: [1, 2, 3, 4], moves: "first input" },
  Softmax: { infinity: "counts" },
  SpaceToDepth: { moves: "first input" },
  Split: { shapedBy: [1], outputs: "as listed", moves: "first input" },
  SplitToSequence: { makesTensors: false },
  Squeeze: { shapedBy: [1], moves: "first input" },
  StringSplit: { shapedBy: "values", outputs: 2 },
  Sub: { infinity: "counts" },
  Sum: { infinity: "counts" },
  Tile: { shapedBy: [1], moves: "first input" },
  TopK: { shapedBy: [1], outputs: 2 },
  Transpose: { moves: "first input" },
  Trilu: { moves: "first input" },
  Unique: { shapedBy: "values" },
  Unsqueeze: { shapedBy: [1], moves: "first input" },
  Upsample: { shapedBy: [1] },
  Where: { infinity: "counts", selects: true },
});

export const formatFacts = (op: string): FormatFacts => facts[op] ?? {};
