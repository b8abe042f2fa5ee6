import { PushforwardError, type Shape } from "../base/index.ts";
import type { CaffeWeights } from "./blobs.ts";
import { requireShape } from "./graph-writer.ts";
import type { Message } from "./message.ts";
import type { CaffeLayer } from "./net.ts";

/** How a data layer converts pictures: (level − mean) · scale, on a crop. */
export interface Transform {
  readonly scale: number;
  /** One number for each channel or one for all; none if there is none, or if it is a file. */
  readonly mean: readonly number[];
  readonly meanFile: string | undefined;
}

/** The settings of a data layer, wherever its form puts them, the newest place first. */
function settingsOf({ key, message, flat }: CaffeLayer): Message[] {
  const own = { data: "data", imagedata: "image_data", windowdata: "window_data", memorydata: "memory_data" }[key];
  return [
    ...(flat === undefined ? [] : [flat]),
    message.message("transform_param"),
    message.message(`${own ?? "hdf5_data"}_param`),
  ];
}

/** The first of several places that has a number. */
const numberIn = (places: readonly Message[], field: string): number | undefined =>
  places.find((place) => place.has(field))?.number(field, 0);

/** What the data layer of a network for training and testing does to pictures; `undefined` if it does nothing. */
export function transformOf(layer: CaffeLayer): Transform | undefined {
  if (layer.key === "input") return undefined;
  const places = settingsOf(layer);
  const scale = numberIn(places, "scale") ?? 1;
  const mean = places.flatMap((place) => place.numbers("mean_value"));
  const meanFile = places.map((place) => place.text("mean_file")).find((file) => file !== "");
  return scale === 1 && mean.length === 0 && meanFile === undefined ? undefined : { scale, mean, meanFile };
}

/**
 * The shape of a top of a data layer, with its batch.
 *
 * @throws PushforwardError `shape-mismatch` if the file does not tell it
 */
export function inputShape(
  layer: CaffeLayer,
  top: number,
  layers: readonly CaffeLayer[],
  weights: CaffeWeights,
): Shape {
  const name = layer.tops[top]!;
  const shape = layer.key === "input" ? declared(layer, top) : ofData(layer, top, layers, weights);
  if (shape !== undefined) requireShape(shape);
  if (shape?.every((extent) => extent >= 1)) return shape;
  throw new PushforwardError("shape-mismatch", {
    what: `The .prototxt does not tell the shape of the input "${name}".`,
    fix: `Give it without the batch, for example --shape ${name}=3,227,227.`,
  });
}

function declared({ message }: CaffeLayer, top: number): Shape | undefined {
  const shapes = message.message("input_param").messages("shape");
  const shape = (shapes[top] ?? shapes[0])?.numbers("dim");
  return shape?.length === 0 ? undefined : shape;
}

function ofData(
  layer: CaffeLayer,
  top: number,
  layers: readonly CaffeLayer[],
  weights: CaffeWeights,
): Shape | undefined {
  const places = settingsOf(layer);
  const batch = numberIn(places, "batch_size") ?? 1;
  if (top > 0) return [batch];
  const dim = places.flatMap((place) => place.numbers("dim"));
  if (dim.length > 0) return dim;
  const crop = numberIn(places, "crop_size");
  const channels = numberIn(places, "channels") ?? channelsRead(layer.tops[0]!, layers, weights);
  const height = numberIn(places, "crop_h") ?? crop ?? numberIn(places, "height") ?? numberIn(places, "new_height");
  const width = numberIn(places, "crop_w") ?? crop ?? numberIn(places, "width") ?? numberIn(places, "new_width");
  return channels && height && width ? [batch, channels, height, width] : undefined;
}

/** The channels that the first convolution of a blob reads. */
function channelsRead(blob: string, layers: readonly CaffeLayer[], weights: CaffeWeights): number | undefined {
  const reader = layers.find(({ key, bottoms }) => key === "convolution" && bottoms.includes(blob));
  const shape = reader && weights.get(reader.name)?.[0]?.shape;
  if (reader === undefined || shape?.length !== 4) return undefined;
  const settings = reader.flat ?? reader.message.message("convolution_param");
  return shape[1]! * settings.number("group", 1);
}
