import type { CaffeBlob } from "./blobs.ts";
import type { ImportedNet } from "./import-caffe.ts";

/** A mean pixel in the order of the network's channels, or a mean image. */
export type CaffeMean = readonly number[] | CaffeBlob;

/**
 * The preset file of the pictures of a network, as JSON: Caffe takes the channels in the order blue, green, red and levels from 0 to 255,
 * subtracts the mean, and multiplies by `scale`. A picture is resized to the mean image and cropped, as in Caffe.
 *
 * `undefined` if it is not known how pictures are prepared, or if the input is no picture.
 */
export function presetOf(
  { model, transform, inputShape }: ImportedNet,
  given: CaffeMean | undefined,
  meanFile: string,
): Record<string, unknown> | undefined {
  const [, channels, height, width] = inputShape;
  if (inputShape.length !== 4 || (channels !== 1 && channels !== 3)) return undefined;
  if (given === undefined && transform === undefined) return undefined;
  const mean = given ?? transform?.mean ?? [];
  const image = "data" in mean ? mean.shape.slice(1) : undefined;
  const isLarger = image !== undefined && (image[0] !== height || image[1] !== width);
  return {
    name: model.graph.name,
    colour: channels === 1 ? "gray" : "BGR",
    resize: { exact: image ?? [height, width] },
    ...(isLarger ? { crop: [height, width] } : {}),
    scale: 1,
    mean: "data" in mean ? meanFile : mean.length === 0 ? [0] : mean,
    std: [1 / (transform?.scale ?? 1)],
  };
}
