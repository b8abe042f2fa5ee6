import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo } from "../../src/onnx/index.ts";

/** The tokens of its input, the width of its states, and its outputs for each token. */
export const [TOKENS, WIDTH, OUTPUTS] = [4, 3, 5];

/** Two blocks of a residual stream, x + tanh(M·x·W), in which later tokens read earlier ones, and a linear readout. */
export function languageModel(): OnnxModel {
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
    inputs: [valueInfo("x", "float32", [1, TOKENS, WIDTH])],
    outputs: [valueInfo("logits", "float32", [1, TOKENS, OUTPUTS])],
    nodes: [
      ...block("x", "state0", "w0"),
      ...block("state0", "state1", "w1"),
      ...block("state1", "state2", "w2"),
      node({ op: "MatMul", inputs: ["state2", "readout"], outputs: ["logits"] }),
    ],
    initializers: new Map([
      ["past", floatTensor([TOKENS, TOKENS], past)],
      ["readout", random("readout", [WIDTH, OUTPUTS])],
      ...["w0", "w1", "w2"].map((name) => [name, random(name, [WIDTH, WIDTH])] as const),
    ]),
  });
}
