import { nearestNames, PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { Architecture, Weights } from "./architecture.ts";
import type { DataSet, Split, Targets } from "./data-set.ts";
import { inferenceModel, tensorsOf, weightShapes } from "./graphs.ts";

/** How many inputs are encoded at a time. */
const BATCH = 500;

/**
 * The layers of a network up to one of its tensors, which is the output.
 *
 * @throws PushforwardError `tap-unknown` for a tensor that is none of the network's, or its input
 */
export function encoderTo(net: Architecture, to: string): Architecture {
  const [, ...outputs] = tensorsOf(net).map(({ name }) => name);
  const at = outputs.indexOf(to);
  if (at >= 0) return { ...net, layers: net.layers.slice(0, at + 1), outputName: to };
  const near = nearestNames(to, outputs);
  throw new PushforwardError("tap-unknown", {
    what: `The network has no tensor "${to}" behind its input.`,
    fix: near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Choose one of ${outputs.join(", ")}.`,
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
  const executable = await backend.compile(inferenceModel(encoder, weightsIn(encoder, weights)));
  const { inputName = "input", outputName = "output" } = encoder;
  const encode = async <T extends Targets>(data: DataSet<T>): Promise<DataSet<T>> => {
    const size = sizeOf(data.shape);
    const shape = outputShape(encoder);
    const count = data.inputs.length / size;
    const codes = new Float32Array(count * sizeOf(shape));
    for (let from = 0; from < count; from += BATCH) {
      const some = data.inputs.subarray(from * size, (from + BATCH) * size);
      const batch = { type: "float32", shape: [some.length / size, ...data.shape], data: some } as const;
      const results = await executable.run({ [inputName]: batch }, [outputName]);
      codes.set(results[outputName]!.data as Float32Array, from * sizeOf(shape));
    }
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
