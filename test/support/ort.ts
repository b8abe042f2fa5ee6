import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { type Evaluate, type OnnxModel, type Tensor, writeModel } from "../../src/onnx/index.ts";

const toOrt = ({ type, data, shape }: Tensor): OrtTensor =>
  new OrtTensor(type as "float32", data as Float32Array, shape);

const fromOrt = ({ type, data, dims }: OrtTensor): Tensor => ({
  type: type as Tensor["type"],
  shape: dims,
  data: data as Tensor["data"],
});

type Run = (feeds: ReadonlyMap<string, Tensor>, fetches?: readonly string[]) => Promise<Map<string, Tensor>>;

/** Opens the bytes of a model in ONNX Runtime as they are, without its graph optimizations, for as long as `use` takes. */
export async function withSession<T>(bytes: Uint8Array, use: (run: Run) => Promise<T>): Promise<T> {
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: "disabled", logSeverityLevel: 4 });
  try {
    return await use(async (feeds, fetches) => {
      const fed = Object.fromEntries([...feeds].map(([name, tensor]) => [name, toOrt(tensor)]));
      const results = await session.run(fed, fetches ?? session.outputNames);
      return new Map(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
    });
  } finally {
    await session.release();
  }
}

/** Runs the bytes of a model in ONNX Runtime once. */
export const runBytes = (
  bytes: Uint8Array,
  feeds: ReadonlyMap<string, Tensor>,
  fetches?: readonly string[],
): Promise<Map<string, Tensor>> => withSession(bytes, (run) => run(feeds, fetches));

/** ONNX Runtime without graph optimizations: the plainest reading of a graph. */
export const evaluate: Evaluate = (model: OnnxModel, feeds, fetches) => runBytes(writeModel(model), feeds, fetches);
