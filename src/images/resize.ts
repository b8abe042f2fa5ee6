import { PushforwardError } from "../base/index.ts";
import type { DecodedImage } from "./types.ts";

/** Weights are fixed-point numbers with this many binary places, so that 255 · 2^22 fits into 31 bits. */
const PLACES = 22;
const ONE = 1 << PLACES;

/** The most pixels of a resized picture, in millions: far more than a network takes. */
const MOST = 64;

/** A target sample along an axis: a sum of the source samples from `first` on, with `weights` (fixed point). */
interface Window {
  readonly first: number;
  readonly weights: Int32Array;
}

/**
 * Resizes with a triangle ("bilinear") filter, which becomes wider when the picture is reduced, to avoid aliasing.
 *
 * Rows are resized first, then columns, with rounding to 8 bits after each. Every level equals that of `resize(size, BILINEAR)` of
 * Pillow up to version 12, which torchvision's reference preprocessing uses. (Pillow 13 resizes the columns first if the height loses
 * more than twice as many pixels as the width; a level can then differ by one.) Channels are resized separately, alpha like any other.
 *
 * @throws PushforwardError `shape-mismatch` if the target has no pixels, or too many
 */
export function resize(image: DecodedImage, height: number, width: number): DecodedImage {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new PushforwardError("shape-mismatch", {
      what: `An image cannot be resized to ${height}×${width} pixels.`,
      fix: "Give whole numbers of at least 1.",
    });
  }
  if (Math.max(height, image.height) * width > MOST * 1e6) {
    throw new PushforwardError("shape-mismatch", {
      what: `A picture of ${image.height}×${image.width} would have more than ${MOST} million pixels on the way to ${height}×${width}.`,
      fix: "Give a smaller size, or make the picture less long.",
    });
  }
  return resizeColumns(resizeRows(image, width), height);
}

function resizeRows(image: DecodedImage, width: number): DecodedImage {
  if (width === image.width) return image;
  const { height, channels, data } = image;
  const windows = windowsOf(image.width, width);
  const result = new Uint8Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    for (const [column, { first, weights }] of windows.entries()) {
      const from = (row * image.width + first) * channels;
      const to = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel++) {
        let sum = ONE / 2;
        for (let i = 0; i < weights.length; i++) sum += data[from + channel + i * channels]! * weights[i]!;
        result[to + channel] = sum >> PLACES;
      }
    }
  }
  return { width, height, channels, data: result };
}

function resizeColumns(image: DecodedImage, height: number): DecodedImage {
  if (height === image.height) return image;
  const { width, channels, data } = image;
  const stride = width * channels;
  const result = new Uint8Array(height * stride);
  for (const [row, { first, weights }] of windowsOf(image.height, height).entries()) {
    for (let at = 0; at < stride; at++) {
      let sum = ONE / 2;
      for (let i = 0; i < weights.length; i++) sum += data[(first + i) * stride + at]! * weights[i]!;
      result[row * stride + at] = sum >> PLACES;
    }
  }
  return { width, height, channels, data: result };
}

function windowsOf(source: number, target: number): Window[] {
  const scale = source / target;
  const reach = Math.max(scale, 1);
  const steepness = 1 / reach;
  return Array.from({ length: target }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + reach + 0.5), source);
    const heights = Array.from({ length: end - first }, (_, i) =>
      Math.max(1 - Math.abs((first + i - centre + 0.5) * steepness), 0),
    );
    const total = heights.reduce((sum, height) => sum + height, 0);
    return { first, weights: Int32Array.from(heights, (height) => Math.trunc((height / total) * ONE + 0.5)) };
  });
}
