import type * as runtime from "onnxruntime-node";
import { allNames, freshName, type Graph, renameTensors, type Tensor } from "../../onnx/index.ts";

/** What is used of a package of ONNX Runtime: `onnxruntime-node`, or `onnxruntime-web` in a browser. */
export type Ort = Pick<typeof runtime, "InferenceSession" | "Tensor">;
export type OrtTensor = runtime.Tensor;
export type Session = runtime.InferenceSession;

export function toOrt(ort: Ort, { type, shape, data }: Tensor): OrtTensor {
  // The runtime takes no tensors in memory that threads share.
  const isShared = ArrayBuffer.isView(data) && !(data.buffer instanceof ArrayBuffer);
  return new ort.Tensor(type as "float32", (isShared ? data.slice() : data) as Float32Array, shape);
}

/** A tensor of ONNX Runtime that is in JavaScript. */
export function fromOrt(tensor: OrtTensor): Tensor {
  const data = tensor.data as Exclude<Tensor["data"], readonly string[]>;
  // Where JavaScript has arrays of float16, the runtime gives those; here their bits are used.
  const isOther = tensor.type === "float16" && !(data instanceof Uint16Array);
  return {
    type: tensor.type as Tensor["type"],
    shape: tensor.dims,
    data: isOther ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data,
  };
}

/**
 * The graph with other names for inputs and outputs whose names every JavaScript object has (`constructor`, `__proto__`), because the
 * runtime passes tensors as properties of objects. `inside` gives the name of a tensor in that graph.
 */
export function withSafeEnds(graph: Graph): { graph: Graph; inside: (name: string) => string } {
  const inherited = [...graph.inputs, ...graph.outputs].map(({ name }) => name).filter((name) => name in {});
  if (inherited.length === 0) return { graph, inside: (name) => name };
  const taken = allNames(graph);
  const names = new Map(inherited.map((name) => [name, freshName(taken, `tensor/${name}`)]));
  const inside = (name: string) => names.get(name) ?? name;
  return { graph: renameTensors(graph, inside), inside };
}
