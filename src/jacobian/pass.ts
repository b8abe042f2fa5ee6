import { inFloat64, type Linearization } from "../autodiff/index.ts";
import {
  type Graph,
  inputsBehind,
  type Model,
  partBehind,
  type Tensor,
  type ValueInfo,
  valueInfo,
} from "../onnx/index.ts";
import { inputsOf } from "./feed.ts";
import type { Tap } from "./taps.ts";

/** The value of the target, and the kept values, as outputs of the pass. */
export function passOutputs(model: Model, { kept }: Linearization, { tensor }: Tap) {
  const { type, shape } = model.values.get(tensor)!;
  return {
    value: valueInfo(tensor, type, shape),
    kept: kept.map((one) => valueInfo(one.name, one.type, one.shape)),
  };
}

/** The part of the pass that computes some tensors, with the inputs that it reads. */
export function passOf({ primal: { graph } }: Linearization, outputs: readonly ValueInfo[]): Graph {
  const names = outputs.map(({ name }) => name);
  return { ...partBehind(graph, names), inputs: inputsBehind(graph, names), outputs };
}

/** The pass in which inputs that are held at a value are constants. */
export function holding(model: Model, pass: Graph): Graph {
  const held = new Map(
    inputsOf(model).flatMap(({ name, value }): [string, Tensor][] => (value === undefined ? [] : [[name, value]])),
  );
  const read = pass.inputs.flatMap(({ name }) => (held.has(name) ? [[name, held.get(name)!] as const] : []));
  return {
    ...pass,
    inputs: pass.inputs.filter(({ name }) => !held.has(name)),
    initializers: new Map([...pass.initializers, ...read]),
  };
}

/** The pass computed in float64. */
export const passInFloat64 = ({ primal, typeOf }: Linearization, pass: Graph): Graph =>
  inFloat64({ ...primal, graph: pass }, typeOf).graph;
