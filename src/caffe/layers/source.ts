import { PushforwardError, type Shape } from "../../base/index.ts";
import { numbersFor, type Value } from "../graph-writer.ts";
import type { Message } from "../message.ts";
import { bottomAt, type LayerParts, type LayerType, refuse, weight } from "./layer.ts";

/** Boxes at each place of a feature map, with their variances, as SSD needs them. They depend on shapes alone. */
function priorBox(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const [features, picture] = [bottomAt(layer, 0), bottomAt(layer, 1)];
  const [height, width] = [features.shape[2]!, features.shape[3]!];
  const size = settings.number("img_size", 0);
  const pictureHeight = settings.number("img_h", size) || picture.shape[2]!;
  const pictureWidth = settings.number("img_w", size) || picture.shape[3]!;
  const step = settings.number("step", 0);
  const stepHeight = settings.number("step_h", step) || pictureHeight / height;
  const stepWidth = settings.number("step_w", step) || pictureWidth / width;
  const offset = settings.number("offset", 0.5);
  const clips = settings.boolean("clip", false);
  const boxes = boxSizes(settings);
  const data = numbersFor([2, height, width, boxes.length, 4]);
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [y, x] = [(row + offset) * stepHeight, (column + offset) * stepWidth];
      for (const [boxWidth, boxHeight] of boxes) {
        const corners = [
          (x - boxWidth / 2) / pictureWidth,
          (y - boxHeight / 2) / pictureHeight,
          (x + boxWidth / 2) / pictureWidth,
          (y + boxHeight / 2) / pictureHeight,
        ];
        for (const corner of corners) data[at++] = clips ? Math.min(1, Math.max(0, corner)) : corner;
      }
    }
  }
  const given = settings.numbers("variance");
  const variances = given.length === 0 ? [0.1] : given;
  for (let entry = 0; entry < at; entry++) data[at + entry] = variances[entry % variances.length]!;
  return [graph.floats("boxes", [1, 2, at], data)];
}

/** Width and height of the boxes at one place, in the order of SSD. */
function boxSizes(settings: Message): (readonly [width: number, height: number])[] {
  const sizes = settings.numbers("min_size").map(Math.trunc);
  const largest = settings.numbers("max_size").map(Math.trunc);
  if (sizes.length === 0 || (largest.length > 0 && largest.length !== sizes.length)) {
    throw new PushforwardError("model-invalid", {
      what: `The layer has ${sizes.length} values of min_size and ${largest.length} of max_size.`,
      fix: "Check the layer in the .prototxt.",
    });
  }
  const flips = settings.boolean("flip", true);
  const ratios: number[] = [1];
  for (const ratio of settings.numbers("aspect_ratio")) {
    if (ratios.some((known) => Math.abs(known - ratio) < 1e-6)) continue;
    ratios.push(ratio);
    if (flips) ratios.push(1 / ratio);
  }
  return sizes.flatMap((size, at) => {
    const between = largest[at] === undefined ? [] : [Math.sqrt(size * largest[at])];
    const squares = [size, ...between].map((side) => [side, side] as const);
    const others = ratios.slice(1).map((ratio) => [size * Math.sqrt(ratio), size / Math.sqrt(ratio)] as const);
    return [...squares, ...others];
  });
}

/** Arrays that a filler fills. Random ones are no function of the input. */
function dummyData({ settings, graph, tops }: LayerParts): Value[] {
  const shapes = settings.messages("shape").map((shape) => shape.numbers("dim"));
  const old = ["num", "channels", "height", "width"].map((name) => settings.numbers(name));
  const fillers = settings.messages("data_filler");
  graph.isBatchFixed = true;
  return Array.from({ length: tops }, (_, top) => {
    const extents: Shape = shapes[top] ?? shapes[0] ?? old.map((values) => values[top] ?? values[0] ?? 1);
    const filler = fillers[top] ?? fillers[0];
    const type = filler?.text("type", "constant") ?? "constant";
    if (type !== "constant") refuse(`The layer draws its numbers at random (${type}).`);
    return graph.filled("data", extents, filler?.number("value", 0) ?? 0);
  });
}

/** Numbers that were learned, as a top. */
function parameter(layer: LayerParts): Value[] {
  const given = layer.settings.message("shape").numbers("dim");
  return [weight(layer, 0, "value", given.length > 0 ? given : (layer.blobs[0]?.shape ?? []))];
}

export const sourceLayers: Readonly<Record<string, LayerType>> = {
  priorbox: { settings: "prior_box_param", write: priorBox },
  dummydata: {
    settings: "dummy_data_param",
    ignored: ["data_filler", "num", "channels", "height", "width"],
    write: dummyData,
  },
  parameter: { settings: "parameter_param", write: parameter },
};
