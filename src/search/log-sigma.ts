import { PushforwardError, sizeOf } from "../base/index.ts";
import { type Network, openGraph } from "../jacobian/index.ts";
import type { Backend } from "../runtime/index.ts";
import { symmetricEigen } from "../svd/index.ts";
import { type Architecture, inferenceModel, valuesOf, type Weights } from "../training/index.ts";
import { type HiddenPart, hiddenPart } from "./hidden-part.ts";

/** How far the singular values are from 1, over all images. */
export interface LogSigma {
  /** The median of |ln σ|. */
  readonly spread: number;
  /** The median of ln σ: whether they are rather below or above 1. */
  readonly centre: number;
}

/** The σ that count where float32 cannot tell a singular value from zero, and where J is not finite. */
const SMALLEST = 2 ** -126;
const LARGEST = 2 ** 128;

/**
 * The singular values of J(input → last hidden layer) at some images, with the mean effect of dropout: it multiplies the mean of σ² by 1/ρ
 * in each layer where it keeps a share ρ. Where ReLU and hard-tanh layers are flat, σ is zero whatever the weights are: of m values only as
 * many count as the layer with the fewest neurons that are not flat has.
 *
 * The graph is compiled once for any weights. The caller releases it.
 */
export class LogSigmaMeter {
  readonly #network: Network;
  readonly #part: HiddenPart;

  private constructor(network: Network, part: HiddenPart) {
    this.#network = network;
    this.#part = part;
  }

  /** @throws PushforwardError as `hiddenPart`, and `op-unsupported` */
  static async open(backend: Backend, network: Architecture): Promise<LogSigmaMeter> {
    const part = hiddenPart(network);
    const graph = inferenceModel({ ...network, layers: part.layers }, new Map());
    return new LogSigmaMeter(await openGraph(graph, backend), part);
  }

  /** @param images the inputs, each of the size of the network's input */
  async at(weights: Weights, images: readonly Float32Array[]): Promise<LogSigma> {
    const logs: number[] = [];
    for (const image of images) {
      const found = await this.#logsAt(weights, image).catch((cause: unknown) => {
        if (cause instanceof PushforwardError && cause.code === "not-finite") return undefined;
        throw cause;
      });
      logs.push(...(found ?? Array<number>(sizeOf(this.#part.end.shape)).fill(Math.log(LARGEST))));
    }
    return { spread: median(logs.map(Math.abs)), centre: median(logs) };
  }

  async release(): Promise<void> {
    await this.#network.forget();
  }

  async #logsAt(weights: Weights, image: Float32Array): Promise<number[]> {
    const network = this.#network;
    const { switching, dropout, end } = this.#part;
    const own = [...weights].filter(([name]) => network.inputs.some((input) => input.name === name));
    const at = { [network.input.name]: image, ...valuesOf(new Map(own)) };
    using J = await network.jacobian({ at, to: network.output });
    const { shape, data } = await J.dense();
    const [m, n] = shape as [number, number];
    const values = await network.forward(
      at,
      switching.map(({ tensor }) => (tensor.name === end.name ? network.output : network.tap(tensor.name))),
    );
    const active = values.map((entries, i) => {
      const isFlat = switching[i]!.layer.kind === "relu" ? (h: number) => h <= 0 : (h: number) => Math.abs(h) >= 1;
      return entries.filter((entry) => !isFlat(entry)).length;
    });
    const { algebra } = network.backend;
    using block = algebra.upload(m <= n ? data : transposed(data, m, n), Math.min(m, n), Math.max(m, n));
    const gram = await algebra.gram(block, block, { exact: true });
    const squares = (await symmetricEigen(gram, algebra.multiply, 0)).values;
    const descending = Float64Array.from(squares).sort().reverse();
    const counted = descending.subarray(0, Math.max(1, Math.min(m, n, ...active)));
    return Array.from(counted, (square) => Math.log(Math.max(Math.sqrt(Math.max(square, 0)), SMALLEST)) + dropout / 2);
  }
}

/** The median, the mean of the two in the middle of an even number. */
function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}

function transposed(data: Float32Array, m: number, n: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) result[j * m + i] = data[i * n + j]!;
  return result;
}
