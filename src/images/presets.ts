import { formatShape, PushforwardError, type Shape } from "../base/index.ts";
import type { NumberArray } from "./npy.ts";

/** Height and width, in pixels. */
export type Size = readonly [height: number, width: number];

/** The mean picture that was subtracted in the training of a network, [channels, height, width] in the order of `colour`. */
export interface MeanImage extends NumberArray {
  readonly file: string;
}

/** How a picture is converted to the input of a network. `preprocess` applies the settings from top to bottom. */
export interface Preprocess {
  readonly name: string;
  /** The order of the channels. Grey pictures become three equal channels; for `gray`, coloured pictures become their luma. */
  readonly colour: "RGB" | "BGR" | "gray";
  /** Bilinear, see `resize`. `required` does not resize: a picture of another size is refused. */
  readonly resize: { readonly shorterSide: number } | { readonly exact: Size } | { readonly required: Size } | "none";
  /** The size of the centre crop. */
  readonly crop: Size | "none";
  /** Whether each level becomes 255 − level. */
  readonly invert: boolean;
  /** The factor that a level (0..255) is multiplied by. */
  readonly scale: number;
  /** Subtracted after scaling: one number for each channel, one for all channels, or a picture. */
  readonly mean: readonly number[] | MeanImage;
  /** The last divisor: one number for each channel, or one for all channels. */
  readonly std: readonly number[];
  /** The meaning of a value of 1 in the result, in words. */
  readonly unit: string;
}

const FULL_SCALE = "full-scale pixel";
const LEVEL = "pixel level, 1/255 of full scale";

const plain: Preprocess = {
  name: "none",
  colour: "RGB",
  resize: "none",
  crop: "none",
  invert: false,
  scale: 1 / 255,
  mean: [0],
  std: [1],
  unit: FULL_SCALE,
};

const imagenet: Preprocess = {
  ...plain,
  name: "imagenet",
  resize: { shorterSide: 256 },
  crop: [224, 224],
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  unit: unitOf("RGB", 1 / 255, [0.229, 0.224, 0.225]),
};

/**
 * The preprocessings that have a name.
 *
 * - `imagenet`: torchvision's reference for ImageNet networks.
 * - `caffe-alexnet`: BVLC's for AlexNet and CaffeNet, with the mean pixel of ILSVRC12; a preset file on its base may name
 *   the mean image instead.
 * - `mnist`: grey 28×28, levels 0..255, a white digit on black.
 * - `cifar10`: 32×32 with ImageNet's mean and std.
 * - `none`: levels / 255, no resizing.
 */
export const presets = {
  imagenet,
  "caffe-alexnet": {
    ...plain,
    name: "caffe-alexnet",
    colour: "BGR",
    resize: { exact: [256, 256] },
    crop: [227, 227],
    scale: 1,
    mean: [104.007, 116.6688, 122.6789],
    unit: LEVEL,
  },
  mnist: {
    ...plain,
    name: "mnist",
    colour: "gray",
    resize: { exact: [28, 28] },
    scale: 1,
    unit: LEVEL,
  },
  cifar10: { ...imagenet, name: "cifar10", resize: { exact: [32, 32] }, crop: "none" },
  none: plain,
} as const satisfies Readonly<Record<string, Preprocess>>;

/** The number of channels that a preprocessing gives. */
export function channelsOf(preset: Preprocess): 1 | 3 {
  return preset.colour === "gray" ? 1 : 3;
}

/** The meaning of a value of 1 in the result, in words: `std / (255 · scale)` of the full scale of a pixel. */
export function unitOf(colour: Preprocess["colour"], scale: number, std: readonly number[]): string {
  const parts = std.map((value) => Number((value / (255 * scale)).toPrecision(6)));
  if (new Set(parts).size > 1) return `${FULL_SCALE} × ${parts.join(", ")} of ${[...colour].join(", ")}`;
  if (parts[0] === 1) return FULL_SCALE;
  return Math.abs(255 * parts[0]! - 1) < 1e-4 ? LEVEL : `${FULL_SCALE} × ${parts[0]}`;
}

/**
 * The settings of a preprocessing as plain JSON for the manifest of a run, without name and unit. A mean image is given by its file,
 * shape and mean pixel.
 */
export function settingsOf({ name: _name, unit: _unit, mean, ...settings }: Preprocess): Record<string, unknown> {
  if (!("file" in mean)) return { ...settings, mean };
  const { file, shape, data } = mean;
  const area = data.length / shape[0]!;
  const pixel = Array.from({ length: shape[0]! }, (_, channel) => {
    const levels = data.subarray(channel * area, (channel + 1) * area);
    return levels.reduce((sum, level) => sum + level, 0) / area;
  });
  return { ...settings, mean: { file, shape, pixel } };
}

/**
 * Adapts a preprocessing to the input of a network, [channels, height, width].
 *
 * A crop gets the size of the network's input. The size of the shorter side stays the same if a crop of this size fits, and otherwise
 * grows in proportion to the crop (imagenet for 299×299 resizes to 342). Without a crop, a resize to an exact size gets the size of the
 * network's input. If nothing is resized, `preprocess` refuses pictures of another size. A colour preset that treats all channels alike
 * becomes grey for a network with one channel.
 *
 * @throws PushforwardError `shape-mismatch` if the input is none that pictures can become, or channels, or crop and resize,
 * cannot be made to fit
 */
export function fitTo(preset: Preprocess, shape: Shape): Preprocess {
  const [channels, height, width] = pictureShape(shape);
  const size: Size = [height, width];
  return { ...fitChannels(preset, shape, channels), ...fitSize(preset, shape, size) };
}

/**
 * Adapts the channels alone, for pictures of which a network takes parts: their size stays as the preset has it.
 *
 * @throws PushforwardError `shape-mismatch` as `fitTo`
 */
export const fitChannelsTo = (preset: Preprocess, shape: Shape): Preprocess =>
  fitChannels(preset, shape, pictureShape(shape)[0]);

/**
 * The shape of an input that pictures can become: channels × height × width, with 1 or 3 channels.
 *
 * @throws PushforwardError `shape-mismatch` for any other, with what to do
 */
export function pictureShape(shape: Shape): readonly [channels: number, height: number, width: number] {
  const refuse = (why: string, fix: string): never => {
    throw new PushforwardError("shape-mismatch", {
      what: `Pictures cannot become the network's input of ${formatShape(shape)}: ${why}`,
      where: { option: "--preprocess" },
      fix,
    });
  };
  const [channels, height, width] = shape;
  if (shape.length !== 3 || channels === undefined || height === undefined || width === undefined) {
    return refuse("a picture has three axes, channels × height × width.", "Give the input as an .npy array.");
  }
  if (isChannelsLast(shape)) {
    return refuse(
      "it has its channels last (height × width × channels), and pictures are prepared with their channels first.",
      "Give the input as an .npy array with the channels last (numpy.transpose(picture, (1, 2, 0)) where they are first), or " +
        `export the network with its channels first, ${formatShape([width, channels, height])}.`,
    );
  }
  if (channels !== 1 && channels !== 3) {
    return refuse(`it has ${channels} channels, and pictures have 1 or 3.`, "Give the input as an .npy array.");
  }
  return [channels, height, width];
}

/** Whether a shape of three axes can only be height × width × channels. */
export function isChannelsLast(shape: Shape): boolean {
  const counts = [1, 3, 4];
  return shape.length === 3 && counts.includes(shape[2]!) && !counts.includes(shape[0]!);
}

function fitChannels(preset: Preprocess, shape: Shape, channels: number): Preprocess {
  if (channels === channelsOf(preset)) return preset;
  const alike = "file" in preset.mean ? false : preset.mean.length === 1 && preset.std.length === 1;
  if (channels === 1 && alike) return { ...preset, colour: "gray" };
  throw mismatch(
    preset,
    shape,
    `it gives ${channelsOf(preset)} channel(s), the network takes ${channels}.`,
    "Choose another preset, or write a preset file with the network's channels.",
  );
}

function fitSize(preset: Preprocess, shape: Shape, size: Size): Pick<Preprocess, "resize" | "crop"> {
  const { resize, crop } = preset;
  if (resize === "none")
    return { resize: crop === "none" ? { required: size } : resize, crop: crop === "none" ? crop : size };
  if ("shorterSide" in resize) {
    const own = crop === "none" ? Math.min(...size) : Math.min(...crop);
    const wanted = Math.max(...size);
    const stays = wanted <= resize.shorterSide && Math.min(...size) >= own;
    return {
      resize: { shorterSide: stays ? resize.shorterSide : Math.round((resize.shorterSide * wanted) / own) },
      crop: size,
    };
  }
  if (crop === "none") return { resize: "exact" in resize ? { exact: size } : { required: size }, crop };
  const whole = "exact" in resize ? resize.exact : resize.required;
  if (size[0] > whole[0] || size[1] > whole[1]) {
    throw mismatch(
      preset,
      shape,
      `its pictures are ${formatShape(whole)} before the crop.`,
      `Write a preset file that resizes to at least ${formatShape(size)}.`,
    );
  }
  return { resize, crop: size };
}

function mismatch(preset: Preprocess, shape: Shape, why: string, fix: string): PushforwardError {
  return new PushforwardError("shape-mismatch", {
    what: `Preprocessing "${preset.name}" cannot give a network input of ${formatShape(shape)}: ${why}`,
    where: { option: "--preprocess" },
    fix,
  });
}
