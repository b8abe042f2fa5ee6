import { PushforwardError, type Shape, sizeOf, suggestion } from "../base/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { Architecture, Weights } from "./architecture.ts";
import { inBatches } from "./classify.ts";
import { countOf, type DataSet, type Split, type Targets } from "./data-set.ts";
import { inferenceModel, tensorsOf, weightShapes } from "./graphs.ts";

/**
 * The layers of a network up to one of its tensors, which is the output.
 *
 * @throws PushforwardError `tap-unknown` for a tensor that is none of the network's, or its input
 */
export function encoderTo(net: Architecture, to: string): Architecture {
  const [, ...outputs] = tensorsOf(net).map(({ name }) => name);
  const at = outputs.indexOf(to);
  if (at >= 0) return { ...net, layers: net.layers.slice(0, at + 1), outputName: to };
  throw new PushforwardError("tap-unknown", {
    what: `The network has no tensor "${to}" behind its input.`,
    fix: suggestion(to, outputs),
  });
}

/** The name of the code of an auto-encoder: the tensor before the layers that have transposed weights; the last tensor if there are none. */
export function codeOf({ layers, ...net }: Architecture): string {
  const decoder = layers.findIndex((layer) => "tied" in layer && layer.transposed === true);
  return tensorsOf({ ...net, layers: decoder < 0 ? layers : layers.slice(0, decoder) }).at(-1)!.name;
}

/** The shape of what a network gives, without the batch axis. */
export const outputShape = (net: Architecture): Shape => tensorsOf(net).at(-1)!.shape;

/** The weights that a network has, of those that are given. */
export function weightsIn(net: Architecture, weights: Weights): Weights {
  const own = weightShapes(net);
  return new Map([...weights].filter(([name]) => own.has(name)));
}

/**
 * Examples whose inputs are what a network makes of theirs, without dropout.
 *
 * @throws PushforwardError what the backend throws for inputs of another shape
 */
export async function encoded(backend: Backend, encoder: Architecture, weights: Weights, split: Split): Promise<Split> {
  const model = inferenceModel(encoder, weightsIn(encoder, weights));
  const shape = outputShape(encoder);
  const size = sizeOf(shape);
  const executable = await backend.compile(model);
  const encode = async <T extends Targets>(data: DataSet<T>): Promise<DataSet<T>> => {
    const codes = new Float32Array(countOf(data) * size);
    await inBatches(executable, model, data, (values, _, from) => codes.set(values, from * size));
    return { ...data, shape, inputs: codes };
  };
  try {
    const { training, heldOut, mislabelled, ...rest } = split;
    return {
      ...rest,
      training: await encode(training),
      heldOut: await encode(heldOut),
      ...(mislabelled && { mislabelled: await encode(mislabelled) }),
    };
  } finally {
    await executable.release();
  }
}
