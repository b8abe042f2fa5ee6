import { formatShape, PushforwardError } from "../base/index.ts";
import type { NumberArray } from "./npy.ts";
import { channelsOf, type MeanImage, type Preprocess, type Size } from "./presets.ts";
import { resize } from "./resize.ts";
import type { DecodedImage } from "./types.ts";

/**
 * Converts a picture to the input of a network, [channels, height, width], in the unit of the preset.
 *
 * The steps are, in this order: transparent pixels are composited over white; colours become grey, or grey becomes three channels;
 * resize; centre crop (a half pixel of margin is rounded to an even number, as in torchvision); invert; scale; mean; std. When the
 * shorter side is resized, the longer one is rounded to the nearest pixel, whereas torchvision drops the fraction.
 *
 * @throws PushforwardError `shape-mismatch` if the picture is smaller than the crop or not of the size required, or the
 * mean image fits neither before nor after the crop; the caller adds the file
 */
export function preprocess(image: DecodedImage, preset: Preprocess): NumberArray {
  const resized = resizeAs(withChannels(image, channelsOf(preset)), preset);
  const whole: Size = [resized.height, resized.width];
  const size = preset.crop === "none" ? whole : preset.crop;
  if (size[0] > whole[0] || size[1] > whole[1]) {
    throw new PushforwardError("shape-mismatch", {
      what: `A picture of ${formatShape(whole)} is too small for a crop of ${formatShape(size)}.`,
      fix: `Use larger pictures, or a preprocessing that resizes to at least ${formatShape(size)}.`,
    });
  }
  const corner: Size = [halfToEven(whole[0] - size[0]), halfToEven(whole[1] - size[1])];
  return standardize(resized, size, corner, preset);
}

function resizeAs(image: DecodedImage, { resize: target }: Preprocess): DecodedImage {
  if (target === "none") return image;
  if ("exact" in target) return resize(image, ...target.exact);
  if ("required" in target) {
    const [height, width] = target.required;
    if (image.height === height && image.width === width) return image;
    throw new PushforwardError("shape-mismatch", {
      what: `A picture is ${image.height}×${image.width}, but the network takes ${height}×${width}.`,
      fix: "Choose a preprocessing that resizes, or resize the picture.",
    });
  }
  const { shorterSide } = target;
  const longerSide = Math.round(
    (shorterSide * Math.max(image.height, image.width)) / Math.min(image.height, image.width),
  );
  return image.height <= image.width ? resize(image, shorterSide, longerSide) : resize(image, longerSide, shorterSide);
}

function standardize(image: DecodedImage, size: Size, corner: Size, preset: Preprocess): NumberArray {
  const { channels, data, width: stride } = image;
  const [height, width] = size;
  const mean = meanAt(image, size, corner, preset);
  const { scale, invert, std } = preset;
  const result = new Float32Array(channels * height * width);
  let to = 0;
  for (let channel = 0; channel < channels; channel++) {
    const from = preset.colour === "BGR" ? channels - 1 - channel : channel;
    const divisor = std[channel] ?? std[0]!;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const level = data[((corner[0] + row) * stride + corner[1] + column) * channels + from]!;
        result[to++] = ((invert ? 255 - level : level) * scale - mean(channel, row, column)) / divisor;
      }
    }
  }
  return { shape: [channels, height, width], data: result };
}

/** The mean at a position of the cropped picture. */
function meanAt(image: DecodedImage, size: Size, corner: Size, { mean }: Preprocess) {
  if (!("file" in mean)) return (channel: number) => mean[channel] ?? mean[0]!;
  const [channels, height = 0, width = 0] = mean.shape;
  const ofWhole = height === image.height && width === image.width;
  const ofCrop = height === size[0] && width === size[1];
  if (channels !== image.channels || !(ofWhole || ofCrop)) throw unfitMean(mean, image, size);
  const [top, left] = ofCrop ? [0, 0] : corner;
  return (channel: number, row: number, column: number) =>
    mean.data[(channel * height + top + row) * width + left + column]!;
}

function unfitMean(mean: MeanImage, { channels, height, width }: DecodedImage, size: Size): PushforwardError {
  const fitting = [...new Set([formatShape([channels, height, width]), formatShape([channels, ...size])])].join(" or ");
  return new PushforwardError("shape-mismatch", {
    what: `The mean image ${mean.file} is ${formatShape(mean.shape)}; the pictures are ${fitting}.`,
    fix: "Resize to the size of the mean image before the crop, or give a mean pixel.",
  });
}

/** The picture composited over white, with 1 channel (the luma of ITU-R 601, rounded as in Pillow) or 3 channels. */
function withChannels(image: DecodedImage, channels: 1 | 3): DecodedImage {
  if (image.channels === channels) return image;
  const { width, height, data } = image;
  const colours = image.channels < 3 ? 1 : 3;
  const hasAlpha = image.channels === 2 || image.channels === 4;
  const [second, third] = colours === 1 ? [0, 0] : [1, 2];
  const result = new Uint8Array(width * height * channels);
  for (let pixel = 0, at = 0, to = 0; pixel < width * height; pixel++, at += image.channels, to += channels) {
    const alpha = hasAlpha ? data[at + colours]! : 255;
    const red = overWhite(data[at]!, alpha);
    const green = overWhite(data[at + second]!, alpha);
    const blue = overWhite(data[at + third]!, alpha);
    if (channels === 3) {
      result[to] = red;
      result[to + 1] = green;
      result[to + 2] = blue;
    } else {
      result[to] = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
    }
  }
  return { width, height, channels, data: result };
}

/** A level with an opacity of 0 to 255, over white. */
const overWhite = (level: number, alpha: number): number =>
  alpha === 255 ? level : Math.round((level * alpha + 255 * (255 - alpha)) / 255);

/** Half of a margin, rounded to the nearest whole number; halves are rounded to the even number. */
function halfToEven(margin: number): number {
  const down = Math.floor(margin / 2);
  return margin % 2 === 0 || down % 2 === 0 ? down : down + 1;
}
