import { formatShape, PushforwardError, type Shape, sizeOf } from "../../base/index.ts";
import type { CaffeBlob } from "../blobs.ts";
import type { GraphWriter, Value } from "../graph-writer.ts";
import type { Message } from "../message.ts";

/** What a layer is written from. */
export interface LayerParts {
  readonly bottoms: readonly Value[];
  /** How many tops it has. */
  readonly tops: number;
  /** Its settings, as the .prototxt gives them. */
  readonly settings: Message;
  /** Its numbers in the .caffemodel; none if it has none there. */
  readonly blobs: readonly CaffeBlob[];
  readonly graph: GraphWriter;
}

/** How layers of one type are written. */
export interface LayerType {
  /** The field of the .prototxt that holds the settings. */
  readonly settings: string;
  /** Settings that mean nothing for the forward pass: how weights begin, which program computes. */
  readonly ignored?: readonly string[];
  /** Writes the nodes of a layer, and gives its tops. */
  readonly write: (layer: LayerParts) => readonly Value[];
}

/** A layer whose tops are each computed from the bottom at the same place. */
export const each =
  (write: (bottom: Value, layer: LayerParts) => Value): LayerType["write"] =>
  (layer) =>
    layer.bottoms.map((bottom) => write(bottom, layer));

/** The bottom at a place. @throws PushforwardError `model-invalid` if the layer has none there */
export function bottomAt({ bottoms }: LayerParts, index: number): Value {
  const bottom = bottoms[index];
  if (bottom !== undefined) return bottom;
  throw new PushforwardError("model-invalid", {
    what: `The layer has ${bottoms.length} bottoms, and needs ${index + 1}.`,
    fix: "Check the layer in the .prototxt.",
  });
}

/** An axis from the first one, of a shape with `rank` axes. */
export function axisOf(axis: number, rank: number, setting = "axis"): number {
  const from = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(from) && from >= 0 && from <= rank) return from;
  throw new PushforwardError("model-invalid", {
    what: `The setting ${setting} is ${axis}, and there are ${rank} axes.`,
    fix: "Check the layer in the .prototxt.",
  });
}

/** The numbers of a layer at a place as a constant of a shape. @throws PushforwardError `model-invalid` if they are missing or do not fit */
export function weight({ blobs, graph }: LayerParts, index: number, label: string, shape: Shape): Value {
  const blob = blobs[index];
  if (blob === undefined) {
    throw new PushforwardError("model-invalid", {
      what:
        blobs.length === 0
          ? "The .caffemodel has no weights for this layer."
          : `The .caffemodel has ${blobs.length} arrays of weights for this layer, and ${index + 1} are needed.`,
      fix: "The .prototxt and the .caffemodel must be of the same network; layers are found by their names.",
    });
  }
  if (blob.data.length === sizeOf(shape)) return graph.floats(label, shape, blob.data);
  throw new PushforwardError("model-invalid", {
    what: `The ${label} of this layer is ${formatShape(blob.shape)} in the .caffemodel, and ${formatShape(shape)} is needed.`,
    fix: "The .prototxt and the .caffemodel must be of the same network, and the shape of the input must be right.",
  });
}

/** @throws PushforwardError `op-unsupported` */
export function refuse(what: string, fix = "Import the part before it, with --until and the name of a blob."): never {
  throw new PushforwardError("op-unsupported", { what, fix });
}
