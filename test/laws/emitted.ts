import {
  emit,
  evaluate,
  inFloat64,
  type Linearization,
  type LinearProgram,
  linearize,
  type Operand,
  type Tangent,
  transpose,
} from "../../src/autodiff/index.ts";
import { sizeOf, withoutBatch } from "../../src/base/index.ts";
import { floatTensor, intTensor, type OnnxModel, type Tensor } from "../../src/onnx/index.ts";
import { type Backend, type DeviceTensor, evaluateWith } from "../../src/runtime/index.ts";
import { interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { type Problem, to64 } from "../rows/problem.ts";
import { cut, join } from "./vectors.ts";

/**
 * J of a problem as it is used: emitted, compiled, with values kept by the backend. Blocks hold K vectors, each all sources
 * (all targets that are not zero) one after the other.
 */
export interface EmittedJacobian {
  readonly linearization: Linearization;
  readonly transposed: LinearProgram;
  /** The values of the targets at the point. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly n: number;
  readonly m: number;
  jvp(v: Float32Array, K: number): Promise<Float32Array>;
  vjp(u: Float32Array, K: number): Promise<Float32Array>;
  /** Jv by the naive float64 column, with the same kept values. */
  jvp64(v: Float64Array): Float64Array;
  release(): Promise<void>;
}

export async function emittedJacobian(backend: Backend, problem: Problem, keep = runOnce): Promise<EmittedJacobian> {
  const { model, point, sources, targets } = problem;
  const linearization = await linearize(model, { sources, targets }, evaluateWith(backend));
  const { program, constants } = linearization;
  const primal = inFloat64(linearization.primal, linearization.typeOf);
  const transposed = transpose(program);
  const values = await keep(backend, primal, point);
  const operand = ({ name }: Operand) => fromTensor(constants.get(name) ?? values[name]!).data;
  const sizes = (vars: readonly Tangent[]) => vars.map((x) => (x ? sizeOf(x.shape) : 0));
  const sourceSizes = sizes(program.sources);
  const targetSizes = sizes(program.targets);
  const forward = await product(backend, program, constants, values, targetSizes);
  const backward = await product(backend, transposed, constants, values, sourceSizes);
  return {
    linearization,
    transposed,
    outputs: new Map(targets.map((name) => [name, values[name]!])),
    n: total(sourceSizes),
    m: total(targetSizes),
    jvp: forward.apply,
    vjp: backward.apply,
    jvp64: (v) => join(evaluate(program, operand, cut(v, sourceSizes))),
    async release() {
      await forward.release();
      await backward.release();
    },
  };
}

const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);

/** A program as a function of blocks; `resultSizes` counts the entries of its targets, those that are zero too. */
async function product(
  backend: Backend,
  program: LinearProgram,
  constants: ReadonlyMap<string, Tensor>,
  values: Readonly<Record<string, Tensor>>,
  resultSizes: readonly number[],
) {
  const { model, inputs, outputs, kept } = emit(program, constants);
  // Nothing to compile where every target is zero.
  const executable = outputs.length === 0 ? undefined : await backend.compile(model);
  const width = total(resultSizes);
  return {
    async apply(x: Float32Array, K: number): Promise<Float32Array> {
      const y = new Float32Array(K * width);
      const feeds: Record<string, Tensor | DeviceTensor> = Object.fromEntries(
        kept.map((name) => [name, values[name]!]),
      );
      const parts = columns(
        x,
        K,
        program.sources.map(({ shape }) => sizeOf(shape)),
      );
      parts.forEach((part, i) => {
        const shape = [K, ...withoutBatch(program.sources[i]!.shape)];
        feeds[inputs[i]!] = backend.upload(floatTensor(shape, part));
      });
      const results = (await executable?.compute(feeds, outputs)) ?? {};
      const names = outputs.values();
      let from = 0;
      for (const [i, target] of program.targets.entries()) {
        const size = resultSizes[i]!;
        if (target !== undefined) {
          using result = results[names.next().value!]!;
          const { data } = await result.read();
          for (let k = 0; k < K; k++)
            y.set((data as Float32Array).subarray(k * size, (k + 1) * size), k * width + from);
        }
        from += size;
      }
      for (const name of inputs) (feeds[name] as DeviceTensor).dispose();
      return y;
    },
    release: async () => executable?.release(),
  };
}

/** The part of a block that belongs to each of its spaces, contiguous. */
function columns(x: Float32Array, K: number, sizes: readonly number[]): Float32Array[] {
  const width = x.length / K;
  let from = 0;
  return sizes.map((size) => {
    const part = new Float32Array(K * size);
    for (let k = 0; k < K; k++) part.set(x.subarray(k * width + from, k * width + from + size), k * size);
    from += size;
    return part;
  });
}

/** The outputs of a graph at a point. */
async function runOnce(
  backend: Backend,
  model: OnnxModel,
  point: ReadonlyMap<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const executable = await backend.compile(model);
  try {
    return await executable.run(
      Object.fromEntries(model.graph.inputs.map(({ name }) => [name, point.get(name)!])),
      model.graph.outputs.map(({ name }) => name),
    );
  } finally {
    await executable.release();
  }
}

/** The same by the reference interpreter, rounded to float32: for nodes that the backend has not. */
export async function interpretOnce(
  _backend: Backend,
  { graph }: OnnxModel,
  point: ReadonlyMap<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const values = interpret(graph, to64(point));
  return Object.fromEntries(
    graph.outputs.map(({ name }) => {
      const { shape, data, type } = values.get(name)!;
      return [name, type === "int64" ? intTensor([...data], shape) : floatTensor(shape, data)];
    }),
  );
}
