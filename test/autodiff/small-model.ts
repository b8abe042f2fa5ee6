import {
  buildModel,
  type Evaluate,
  type Model,
  type Node,
  node,
  normalize,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";

/** A node of ai.onnx with one output. */
export const op = (
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: Node["attributes"] = {},
): Node => node({ op: name, inputs, outputs: [output], attributes });

export interface SmallModel {
  readonly nodes: readonly Node[];
  readonly outputs: readonly string[];
  readonly constants?: Readonly<Record<string, Tensor>> | undefined;
  /** The shape of the input x; [1, 4] unless given. */
  readonly shape?: readonly number[] | undefined;
}

/** A model of some nodes and one input, x, after `normalize`. */
export const smallModel = (
  evaluate: Evaluate,
  { nodes, outputs, constants = {}, shape = [1, 4] }: SmallModel,
): Promise<Model> =>
  normalize(
    buildModel({
      inputs: [valueInfo("x", "float32", shape)],
      outputs: outputs.map((name) => ({ name, type: undefined, shape: undefined })),
      nodes,
      initializers: new Map(Object.entries(constants)),
    }),
    { evaluate },
  );
