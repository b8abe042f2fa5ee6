import { encode } from "fast-png";
import { formatShape, PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import { signedPalette, signedSteps } from "./colours.ts";

/** A raster picture together with its pixels. */
export interface Picture {
  /** `data:image/png;base64,…` */
  readonly href: string;
  readonly width: number;
  readonly height: number;
}

/** A signed picture: its colours run from −limit to +limit. */
export interface SignedPicture extends Picture {
  /** Largest magnitude of an entry. */
  readonly limit: number;
}

export interface InputPicture extends Picture {
  /** Whether the preprocessing could be undone; otherwise the picture runs from the smallest entry to the largest. */
  readonly undone: boolean;
}

/** A tensor as planes of pixels, with the strides of its entries. */
interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly strides: { readonly channel: number; readonly row: number; readonly column: number };
  /** The offset of the first entry. */
  readonly offset: number;
}

/** A part of a picture, in pixels of the source. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A vector of the source's shape as a picture that is drawn over the input. Blue is negative, zero is transparent, and red is
 * positive. Colours reach from −limit to +limit; by default, the limit is the largest magnitude of an entry. Opacity is
 * proportional to the square root of the magnitude, so that weak entries can be seen too.
 *
 * Shapes: [..., H, W] (leading axes are channels), [H, W, 3 or 1], and [n], which is shown as one row. A pixel of the picture
 * shows the entry of largest magnitude among its channels and among the source pixels it covers. Entries of opposite sign
 * therefore do not cancel, and small structures are not lost. The picture is at most `maxSide` pixels wide and high. If a
 * region is given, the picture shows that region only.
 *
 * @throws PushforwardError `shape-mismatch` if the entries do not fill the shape
 */
export function vectorPicture(
  v: ArrayLike<number>,
  shape: Shape,
  maxSide: number,
  part: { readonly region?: Region; readonly limit?: number } = {},
): SignedPicture {
  const whole = planesOf(v, shape);
  const planes = part.region === undefined ? whole : cut(whole, part.region);
  const grid = gridOf(planes, maxSide);
  const strongest = new Float64Array(grid.width * grid.height);
  forEachEntry(planes, grid, (pixel, _channel, entry) => {
    const value = v[entry] as number;
    if (Math.abs(value) > Math.abs(strongest[pixel] as number)) strongest[pixel] = value;
  });
  const limit = part.limit ?? strongest.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const data = Uint8Array.from(strongest, (value) => {
    const share = limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0;
    return signedSteps + Math.round(Math.sign(value) * Math.sqrt(share) * signedSteps);
  });
  const png = encode({ ...grid, data, depth: 8, channels: 1, palette: signedPalette() }, { zlib: { level: 9 } });
  return { href: dataUri(png), ...grid, limit };
}

/** The fraction of a vector's energy that lies on either side of its box, along each axis. */
const OUTSIDE = 0.05;
/** A vector is not local if its box takes more of a side of the picture than this fraction. */
const LOCAL = 0.5;
/** The smallest side of a box, in pixels. */
const LEAST_SIDE = 8;

/**
 * The region that contains a vector, if the vector is local. Along each axis, 5 % of the vector's energy lie on either side of the
 * region, and the region has the proportions of the picture. The result is `undefined` for a vector that spreads over more than
 * half of a side, and for a vector of zeros.
 *
 * @throws PushforwardError `shape-mismatch` if the entries do not fill the shape
 */
export function localRegion(v: ArrayLike<number>, shape: Shape): Region | undefined {
  const planes = planesOf(v, shape);
  const { width, height } = planes;
  const [columns, rows] = [new Float64Array(width), new Float64Array(height)];
  forEachEntry(planes, { width, height }, (pixel, _channel, entry) => {
    const energy = (v[entry] as number) ** 2;
    columns[pixel % width]! += energy;
    rows[Math.floor(pixel / width)]! += energy;
  });
  const [across, down] = [extentOf(columns), extentOf(rows)];
  if (across === undefined || down === undefined) return undefined;
  const share = Math.max(across.size / width, down.size / height, LEAST_SIDE / Math.min(width, height));
  if (share > LOCAL) return undefined;
  const [w, h] = [Math.ceil(share * width), Math.ceil(share * height)];
  const start = (middle: number, size: number, all: number) =>
    Math.max(0, Math.min(all - size, Math.round(middle - size / 2)));
  return { x: start(across.middle, w, width), y: start(down.middle, h, height), width: w, height: h };
}

/** The interval that leaves the fraction `OUTSIDE` of the energy on either side. */
function extentOf(energy: Float64Array): { readonly middle: number; readonly size: number } | undefined {
  const total = energy.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return undefined;
  let [before, first, last] = [0, 0, energy.length - 1];
  for (const [i, value] of energy.entries()) {
    if (before <= OUTSIDE * total) first = i;
    before += value;
    if (before >= (1 - OUTSIDE) * total) {
      last = i;
      break;
    }
  }
  return { middle: (first + last + 1) / 2, size: last + 1 - first };
}

/**
 * The preprocessing that is undone for display. It computed x = `(level · scale − mean) / std` from levels 0 to 255.
 */
export interface DisplaySettings {
  /** One number for all channels, or one for each; 0 if it is unknown. The same holds for `std`. */
  readonly mean?: readonly number[];
  /** 1 if it is unknown. */
  readonly std?: readonly number[];
  /** If it is unknown, the preprocessing cannot be undone. */
  readonly scale?: number;
  /** Whether each level was first replaced by 255 − level. */
  readonly invert?: boolean;
  /** Whether the order of the channels is blue, green, red. */
  readonly bgr?: boolean;
}

/** A network's input as levels of grey or of colours, without an encoding. */
interface InputLevels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** [height, width, channels] */
  readonly data: Uint8Array;
  /** Whether the preprocessing could be undone. */
  readonly undone: boolean;
}

/**
 * A network's input as a picture: `inputLevels` as a PNG.
 *
 * @throws PushforwardError `shape-mismatch` if the entries do not fill the shape
 */
export function inputPicture(
  x: ArrayLike<number>,
  shape: Shape,
  settings: DisplaySettings,
  maxSide: number,
): InputPicture {
  const { undone, ...levels } = inputLevels(x, shape, settings, maxSide);
  const png = encode({ ...levels, depth: 8 }, { zlib: { level: 9 } });
  return { href: dataUri(png), width: levels.width, height: levels.height, undone };
}

/**
 * A network's input as levels from 0 to 255. A pixel of the picture is the mean of the source pixels that it covers.
 *
 * After the preprocessing is undone, the values should be levels from 0 to 255; values up to a tenth of that range beyond are
 * cut off. If values lie further beyond, the settings cannot be right, and the levels of the picture go from its smallest to
 * its largest entry instead (`undone: false`). 3 channels are shown as colours. Of any other number of channels, the mean is
 * shown in grey.
 *
 * @throws PushforwardError `shape-mismatch` if the entries do not fill the shape
 */
export function inputLevels(
  x: ArrayLike<number>,
  shape: Shape,
  settings: DisplaySettings,
  maxSide: number,
): InputLevels {
  const planes = planesOf(x, shape);
  const grid = gridOf(planes, maxSide);
  const colours = planes.channels === 3 ? 3 : 1;
  const pixels = new Float64Array(grid.width * grid.height * colours);
  const counts = new Float64Array(pixels.length);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const at = (values: readonly number[] | undefined, channel: number) => values?.[values.length === 1 ? 0 : channel];
  forEachEntry(planes, grid, (pixel, channel, entry) => {
    const value = (x[entry] as number) * (at(settings.std, channel) ?? 1) + (at(settings.mean, channel) ?? 0);
    low = Math.min(low, value);
    high = Math.max(high, value);
    const colour = colours === 1 ? 0 : settings.bgr ? 2 - channel : channel;
    const target = pixel * colours + colour;
    pixels[target] = (pixels[target] as number) + value;
    counts[target] = (counts[target] as number) + 1;
  });
  const top = 255 * (settings.scale ?? Number.NaN);
  const undone = low >= -0.1 * top && high <= 1.1 * top;
  const [from, to] = undone ? [0, top] : [low, high];
  const data = Uint8Array.from(pixels, (sum, i) => {
    const level = ((sum / Math.max(1, counts[i] as number) - from) / (to - from || 1)) * 255;
    return Math.max(0, Math.min(255, Math.round(undone && settings.invert ? 255 - level : level)));
  });
  return { ...grid, channels: colours, data, undone };
}

function planesOf(values: ArrayLike<number>, shape: Shape): Planes {
  if (values.length !== sizeOf(shape)) {
    throw new PushforwardError("shape-mismatch", {
      what: `A picture of ${formatShape(shape)} needs ${sizeOf(shape)} entries, not ${values.length}.`,
      fix: "Pass one vector of the source tap, and the shape of the source tap.",
    });
  }
  const width = shape.at(-1) ?? 1;
  const height = shape.at(-2) ?? 1;
  const channels = sizeOf(shape.slice(0, -2));
  const channelsLast = shape.length === 3 && (width === 3 || width === 1) && channels !== 3 && channels !== 1;
  if (channelsLast) {
    return {
      channels: width,
      height: channels,
      width: height,
      strides: { channel: 1, row: height * width, column: width },
      offset: 0,
    };
  }
  return { channels, height, width, strides: { channel: height * width, row: width, column: 1 }, offset: 0 };
}

function cut(planes: Planes, { x, y, width, height }: Region): Planes {
  const { row, column } = planes.strides;
  return { ...planes, width, height, offset: planes.offset + y * row + x * column };
}

/** The width and height in pixels of a picture of a tensor with this shape. */
export function pixelsOf(shape: Shape): { readonly width: number; readonly height: number } {
  const { width, height } = planesOf({ length: sizeOf(shape) }, shape);
  return { width, height };
}

/** A size with the same proportions, at most `maxSide` wide and high, and not larger than the tensor. */
function gridOf({ height, width }: Planes, maxSide: number): { width: number; height: number } {
  const shrink = Math.min(1, maxSide / Math.max(height, width));
  return { width: Math.max(1, Math.round(width * shrink)), height: Math.max(1, Math.round(height * shrink)) };
}

function forEachEntry(
  { channels, height, width, strides, offset }: Planes,
  grid: { readonly width: number; readonly height: number },
  visit: (pixel: number, channel: number, entry: number) => void,
): void {
  const bins = Int32Array.from({ length: width }, (_, column) => Math.floor((column * grid.width) / width));
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const start = Math.floor((row * grid.height) / height) * grid.width;
      for (let column = 0; column < width; column++) {
        const pixel = start + (bins[column] as number);
        visit(pixel, channel, offset + channel * strides.channel + row * strides.row + column * strides.column);
      }
    }
  }
}

function dataUri(png: Uint8Array): string {
  let binary = "";
  for (const byte of png) binary += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(binary)}`;
}
