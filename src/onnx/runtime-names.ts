import { allNames, freshName } from "./graph.ts";
import type { OnnxModel } from "./model.ts";
import { renameTensors } from "./rename.ts";

/**
 * Names that ONNX Runtime gives to constants when it optimizes a graph. It gives them again if it optimizes a file that it saved, and then
 * refuses the graph.
 */
const GIVEN = /^(ortshared_|gemm_(in|out)put_shape)/;

/** The model with other names for the constants that ONNX Runtime named. */
export function withoutRuntimeNames(model: OnnxModel): OnnxModel {
  const given = [...model.graph.initializers.keys()].filter((name) => GIVEN.test(name));
  if (given.length === 0) return model;
  const ends = new Set([...model.graph.inputs, ...model.graph.outputs].map(({ name }) => name));
  const taken = allNames(model.graph);
  const names = new Map(
    given.filter((name) => !ends.has(name)).map((name) => [name, freshName(taken, `constant/${name}`)]),
  );
  return { ...model, graph: renameTensors(model.graph, (name) => names.get(name) ?? name) };
}
