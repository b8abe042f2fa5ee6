import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo } from "../../src/onnx/index.ts";

/** The tokens of its input, the width of its states, and its outputs for each token. */
export const [TOKENS, WIDTH, OUTPUTS] = [4, 3, 5];

/**
 * Three blocks of a residual stream, x + tanh(M·x·W), in which later tokens read earlier ones, and a linear readout. It reads embeddings x,
 * or the ids of tokens.
 */
export function languageModel({ reads = "embeddings" as "embeddings" | "ids" } = {}): OnnxModel {
  const random = (name: string, shape: number[]) =>
    floatTensor(shape, gaussianArray(createRng("weights", name), sizeOf(shape)));
  const past = Float32Array.from({ length: TOKENS ** 2 }, (_, i) => (i % TOKENS <= Math.floor(i / TOKENS) ? 0.5 : 0));
  const block = (from: string, to: string, weight: string) => [
    node({ op: "MatMul", inputs: ["past", from], outputs: [`${to}.mixed`] }),
    node({ op: "MatMul", inputs: [`${to}.mixed`, weight], outputs: [`${to}.inner`] }),
    node({ op: "Tanh", inputs: [`${to}.inner`], outputs: [`${to}.step`] }),
    node({ op: "Add", inputs: [from, `${to}.step`], outputs: [to] }),
  ];
  return buildModel({
    inputs: [
      reads === "ids" ? valueInfo("ids", "int64", [1, "tokens"]) : valueInfo("x", "float32", [1, TOKENS, WIDTH]),
    ],
    outputs: [valueInfo("logits", "float32", [1, TOKENS, OUTPUTS])],
    nodes: [
      ...(reads === "ids" ? [node({ op: "Gather", inputs: ["table", "ids"], outputs: ["x"] })] : []),
      ...block("x", "state0", "w0"),
      ...block("state0", "state1", "w1"),
      ...block("state1", "state2", "w2"),
      node({ op: "MatMul", inputs: ["state2", "readout"], outputs: ["logits"] }),
    ],
    initializers: new Map([
      ["past", floatTensor([TOKENS, TOKENS], past)],
      ["readout", random("readout", [WIDTH, OUTPUTS])],
      ...(reads === "ids" ? [["table", random("table", [OUTPUTS, WIDTH])] as const] : []),
      ...["w0", "w1", "w2"].map((name) => [name, random(name, [WIDTH, WIDTH])] as const),
    ]),
  });
}

/** Tokens of two numbers, each for itself, on the given axes. */
export function tokenwise(axes: readonly number[]): OnnxModel {
  return buildModel({
    inputs: [valueInfo("x", "float32", [...axes, 2])],
    outputs: [valueInfo("logits", "float32", [...axes, 2])],
    nodes: [
      node({ op: "Tanh", inputs: ["x"], outputs: ["hidden"] }),
      node({ op: "MatMul", inputs: ["hidden", "w"], outputs: ["inner"] }),
      node({ op: "Tanh", inputs: ["inner"], outputs: ["logits"] }),
    ],
    initializers: new Map([["w", floatTensor([2, 2], Float32Array.of(1, 2, -1, 0.5))]]),
  });
}
