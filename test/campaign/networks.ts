import { createRng, gaussianArray, type Rng, type Shape, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  buildModel,
  floatTensor,
  ints,
  type Model,
  type Node,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import type { LinearOperator } from "../../src/operator/index.ts";
import { type Backend, evaluateWith } from "../../src/runtime/index.ts";
import { jacobian64 } from "../laws/jacobian64.ts";
import { interpret } from "../reference/interpret.ts";
import { to64 } from "../rows/problem.ts";
import { pick } from "./families.ts";
import { bySvd, type Truth } from "./truth.ts";

/** An operator through the project's whole path, from an ONNX graph to compiled products. */
export interface NetworkOperator {
  readonly sound: LinearOperator;
  release(): Promise<void>;
}

/** y = x·W₁·W₂···, so that J = (W₁·W₂···)ᵀ: one MatMul a factor. */
export async function chainOf(backend: Backend, factors: readonly Tensor[]): Promise<NetworkOperator> {
  const names = factors.map((_, i) => `y${i}`);
  const [n, m] = [factors[0]!.shape[0]!, factors.at(-1)!.shape[1]!];
  const onnx = buildModel({
    name: "chain",
    inputs: [valueInfo("x", "float32", [1, n])],
    outputs: [valueInfo(names.at(-1)!, "float32", [1, m])],
    nodes: names.map((name, i) => node({ op: "MatMul", inputs: [names[i - 1] ?? "x", `w${i}`], outputs: [name] })),
    initializers: new Map(factors.map((factor, i) => [`w${i}`, factor])),
  });
  return jacobianAt(backend, await normalize(onnx, { evaluate: evaluateWith(backend) }), new Float32Array(n));
}

/**
 * A random network of convolutions and ReLUs at a random point, and its Jacobian by the reference interpreter and the float64
 * column of every linear operation. Points where a ReLU's input is near its kink are drawn anew: there the two may differ.
 */
export async function randomNetwork(backend: Backend, rng: Rng): Promise<NetworkOperator & { readonly truth: Truth }> {
  const { onnx, input, shape, output } = drawModel(rng);
  let point: ReadonlyMap<string, Tensor>;
  do point = new Map([[input, floatTensor(shape, gaussianArray(rng, sizeOf(shape)))]]);
  while (nearKink(onnx, point));

  const model = await normalize(onnx, { evaluate: evaluateWith(backend) });
  const J = await jacobian64({ model, point, sources: [input], targets: [output] });
  const matrix = new Float64Array(J.m * J.n);
  for (let column = 0; column < J.n; column++) {
    const image = J.jvp(Float64Array.from({ length: J.n }, (_, i) => (i === column ? 1 : 0)));
    for (let row = 0; row < J.m; row++) matrix[row * J.n + column] = image[row]!;
  }
  const network = await jacobianAt(backend, model, point.get(input)!.data as Float32Array);
  return { ...network, truth: bySvd(matrix, J.m, J.n) };
}

async function jacobianAt(backend: Backend, model: Model, point: Float32Array): Promise<NetworkOperator> {
  const network = new Network(model, backend);
  return { sound: await network.jacobian({ at: point }), release: () => network.forget() };
}

/** conv → relu, once to three times, then perhaps a residual block, then perhaps a linear layer. */
function drawModel(rng: Rng) {
  const initializers = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const weight = (shape: Shape): string => {
    const name = `w${initializers.size}`;
    const scale = 1 / Math.sqrt(sizeOf(shape.slice(1)));
    const data = gaussianArray(createRng(rng.integer(2 ** 31), name), sizeOf(shape)).map((value) => scale * value);
    initializers.set(name, floatTensor(shape, data));
    return name;
  };
  const add = (op: string, inputs: string[], attributes: Node["attributes"] = {}): string => {
    const output = `${op.toLowerCase()}${nodes.length}`;
    nodes.push(node({ op, inputs, outputs: [output], attributes }));
    return output;
  };
  const conv = (from: string, to: number, stride: number): string =>
    add("Conv", [from, weight([to, channels, 3, 3])], {
      kernel_shape: ints([3, 3]),
      strides: ints([stride, stride]),
      pads: ints([1, 1, 1, 1]),
    });

  let channels = 1 + rng.integer(2);
  let size = 3 + rng.integer(4);
  const shape = [1, channels, size, size];
  let at = "x";
  for (let depth = 1 + rng.integer(3); depth > 0; depth--) {
    const [next, stride] = [1 + rng.integer(3), pick(rng, [1, 1, 2])];
    at = add("Relu", [conv(at, next, stride)]);
    channels = next;
    size = Math.ceil(size / stride);
  }
  if (rng.uniform() < 0.3) at = add("Add", [at, add("Relu", [conv(at, channels, 1)])]);
  let outputShape = [1, channels, size, size];
  if (rng.uniform() < 0.5) {
    const units = 1 + rng.integer(40);
    at = add("MatMul", [add("Flatten", [at]), weight([channels * size * size, units])]);
    outputShape = [1, units];
  }
  const onnx = buildModel({
    name: "random",
    inputs: [valueInfo("x", "float32", shape)],
    outputs: [valueInfo(at, "float32", outputShape)],
    nodes,
    initializers,
  });
  return { onnx, input: "x", shape, output: at };
}

function nearKink({ graph }: OnnxModel, point: ReadonlyMap<string, Tensor>): boolean {
  const values = interpret(graph, to64(point));
  return graph.nodes.some(({ op, inputs }) => {
    if (op !== "Relu") return false;
    const { data } = values.get(inputs[0]!)!;
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // An exact zero, behind units that are all off, is one on both sides.
    return data.some((value) => value !== 0 && Math.abs(value) < 1e-5 * largest);
  });
}
