import { createRng, type Shape, sizeOf } from "../../src/base/index.ts";
import type { CaffeBlob } from "../../src/caffe/blobs.ts";
import { importCaffe } from "../../src/caffe/import-caffe.ts";
import { type OnnxModel, type Tensor, writeModel } from "../../src/onnx/index.ts";
import { caffemodel, type LayerForm } from "../support/caffemodel.ts";
import { runBytes } from "../support/ort.ts";

export interface NetParts {
  /** Without its inputs. */
  readonly layers: string;
  readonly inputs: Readonly<Record<string, Shape>>;
  /** Shapes of the weights of layers. */
  readonly weights?: Readonly<Record<string, readonly Shape[]>>;
  /** Entries are positive: variances, or what a logarithm is taken of. */
  readonly positive?: boolean;
  /** Entries of inputs that are not drawn. */
  readonly fixed?: Readonly<Record<string, readonly number[]>>;
}

/** A net whose inputs and weights are drawn from a seed. */
export interface Net {
  readonly prototxt: string;
  readonly weights: Readonly<Record<string, readonly CaffeBlob[]>>;
  readonly inputs: Readonly<Record<string, CaffeBlob>>;
}

export const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

export const inputLayers = (inputs: Readonly<Record<string, Shape>>): string =>
  Object.entries(inputs)
    .map(([name, shape]) => {
      const dims = shape.map((extent) => `dim: ${extent}`).join(" ");
      return `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims} } } }\n`;
    })
    .join("");

export function drawNet(name: string, { layers, inputs, weights = {}, positive = false, fixed = {} }: NetParts): Net {
  const rng = createRng("caffe", name);
  const draw = (shape: Shape, isPositive: boolean): CaffeBlob => ({
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => (isPositive ? 0.2 + rng.uniform() : rng.gaussian())),
  });
  return {
    prototxt: inputLayers(inputs) + layers,
    weights: Object.fromEntries(
      Object.entries(weights).map(([layer, shapes]) => [layer, shapes.map((shape) => draw(shape, positive))]),
    ),
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([input, shape]) => [
        input,
        fixed[input] === undefined ? draw(shape, positive) : { shape, data: Float32Array.from(fixed[input]) },
      ]),
    ),
  };
}

/** Weights of a net without any: of a layer that it does not have, since a file has at least one. */
const none = { stranger: [{ shape: [1], data: Float32Array.of(1) }] };

export const fileOf = ({ weights }: Pick<Net, "weights">, form: LayerForm = "newest"): Uint8Array =>
  caffemodel(Object.keys(weights).length === 0 ? none : weights, form);

export const importNet = (net: Net, form: LayerForm = "newest") =>
  importCaffe(
    { bytes: encoded(net.prototxt), file: "net.prototxt" },
    { bytes: fileOf(net, form), file: "net.caffemodel" },
  );

const feedsOf = (inputs: Net["inputs"]): Map<string, Tensor> =>
  new Map(Object.entries(inputs).map(([name, { shape, data }]) => [name, { type: "float32", shape, data }]));

/** Some tensors of an imported net, which need not be outputs, at its inputs. */
export function run(model: OnnxModel, inputs: Net["inputs"], fetches: readonly string[]): Promise<Map<string, Tensor>> {
  const own = new Set(model.graph.inputs.map(({ name }) => name));
  const feeds = new Map([...feedsOf(inputs)].filter(([name]) => own.has(name)));
  return runBytes(writeModel(withOutputs(model, fetches)), feeds, fetches);
}

export function withOutputs(model: OnnxModel, names: readonly string[]): OnnxModel {
  const outputs = names.map((name) => ({ name, type: undefined, shape: undefined }));
  return { ...model, graph: { ...model.graph, outputs } };
}

/** The largest difference of two arrays, relative to the largest entry. */
export function difference(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) return Infinity;
  let [largest, scale] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    largest = Math.max(largest, Math.abs(found[i]! - wanted[i]!));
    scale = Math.max(scale, Math.abs(wanted[i]!));
  }
  return largest / (scale || 1);
}
