import { tableOf } from "../../base/index.ts";
import { node, text } from "../build.ts";
import { withInner } from "../graph.ts";
import type { Attributes, Graph, Node } from "../model.ts";

/**
 * The domain of the operators that stand for rounding in a normalized graph. They are functions of ONNX's own operators, and a file
 * contains their definitions, so that every runtime runs them.
 */
export const OWN_DOMAIN = "pushforward";

/** What a tangent does at a rounding: it passes as if nothing were rounded, or the node is refused. */
export type Quantized = "straight-through" | "refuse";

export const quantizedChoices = ["straight-through", "refuse"] as const satisfies readonly Quantized[];

/** The attribute of an own operator that states the choice. */
export const DERIVATIVE = "derivative";

export const derivativeOf = (choice: Quantized): Attributes => ({ [DERIVATIVE]: text(choice) });

/** The definition of an own operator. */
export interface OwnFunction {
  readonly inputs: readonly string[];
  readonly nodes: (opset: number) => readonly Node[];
}

const step = (op: string, inputs: readonly string[], output: string): Node => node({ op, inputs, outputs: [output] });

/** The names of the output of every own function. */
export const RESULT = "y";

/** Before opset 11 there is no Round: halves are rounded down and up, and of two different results the even one is taken. */
const roundOld: readonly Node[] = [
  node({
    op: "Constant",
    inputs: [],
    outputs: ["halfOne"],
    attributes: { value: { kind: "tensor", value: { type: "float32", shape: [], data: Float32Array.of(0.5) } } },
  }),
  step("Sub", ["v", "halfOne"], "down"),
  step("Ceil", ["down"], "lower"),
  step("Add", ["v", "halfOne"], "up"),
  step("Floor", ["up"], "upper"),
  step("Mul", ["lower", "halfOne"], "half"),
  step("Floor", ["half"], "wholeHalf"),
  step("Add", ["wholeHalf", "wholeHalf"], "even"),
  step("Sub", ["lower", "even"], "odd"),
  step("Sub", ["upper", "lower"], "isTie"),
  step("Mul", ["odd", "isTie"], "more"),
  step("Add", ["lower", "more"], "r"),
];

/** The own operators, by their names. All inputs and outputs are floats, which broadcast. */
export const ownFunctions = tableOf<Readonly<Record<string, OwnFunction>>>({
  /** clip(round(x / scale) + zero, low, high): whole numbers. Halves are rounded to the even one. */
  Quantize: {
    inputs: ["x", "scale", "zero", "low", "high"],
    nodes: (opset) => [
      step("Div", ["x", "scale"], "v"),
      ...(opset < 11 ? roundOld : [step("Round", ["v"], "r")]),
      step("Add", ["r", "zero"], "q"),
      step("Max", ["q", "low"], "raised"),
      step("Min", ["raised", "high"], RESULT),
    ],
  },
  /**
   * x, rounded to a float with `fraction` bits of fraction, whose exponents start at `least`, and at most `largest`. `two` is 2, in the type
   * of x. That the logarithm is rounded changes nothing: beside a power of two, both steps lead to that power.
   */
  QuantizeFloat: {
    inputs: ["x", "two", "fraction", "least", "largest"],
    nodes: () => [
      step("Mul", ["largest", "two"], "most"),
      step("Neg", ["most"], "leastOfAll"),
      step("Max", ["x", "leastOfAll"], "raised"),
      step("Min", ["raised", "most"], "finite"),
      step("Abs", ["finite"], "magnitude"),
      step("Log", ["magnitude"], "logarithm"),
      step("Log", ["two"], "logarithmOfTwo"),
      step("Div", ["logarithm", "logarithmOfTwo"], "power"),
      step("Floor", ["power"], "whole"),
      step("Max", ["whole", "least"], "exponent"),
      step("Sub", ["exponent", "fraction"], "ofLastBit"),
      step("Pow", ["two", "ofLastBit"], "lastBit"),
      step("Div", ["finite", "lastBit"], "v"),
      step("Round", ["v"], "r"),
      step("Mul", ["r", "lastBit"], "rounded"),
      step("Neg", ["largest"], "lowest"),
      step("Max", ["rounded", "lowest"], "above"),
      step("Min", ["above", "largest"], RESULT),
    ],
  },
});

/** The names of the own operators that a graph, or a graph inside it, uses. */
export function ownOperatorsIn(graph: Graph): Set<string> {
  const own = graph.nodes.flatMap(withInner).filter(({ domain }) => domain === OWN_DOMAIN);
  return new Set(own.map(({ op }) => op));
}
