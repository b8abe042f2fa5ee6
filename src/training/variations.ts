import { createRng, formatShape, PushforwardError, type Rng, type Shape, sizeOf } from "../base/index.ts";

/** Fills a picture [C, H, W], row-major, from another of its shape. */
type Vary = (from: Float32Array, to: Float32Array, size: Size, rng: Rng) => void;

interface Size {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Harder versions of a set of pictures, drawn by the seed of the data.
 *
 * @see Larochelle et al. 2007, "An empirical evaluation of deep architectures on problems with many factors of variation", §4.1
 */
const variations = {
  /** Each picture is turned about its centre by an angle that is uniform in [0, 2π). What comes from outside of it is 0. */
  rotated: (from, to, size, rng) => rotate(from, to, size, 2 * Math.PI * rng.uniform()),
  /** Each entry is the larger of its level and one that is uniform in [0, 1): a digit before noise. */
  noise(from, to, _, rng) {
    for (let i = 0; i < from.length; i++) to[i] = Math.max(from[i]!, rng.uniform());
  },
} as const satisfies Readonly<Record<string, Vary>>;

export type Variation = keyof typeof variations;

export const variationNames = Object.keys(variations);

/**
 * A version of pictures of one shape, one after another. Each has random numbers of its own, so that it does not depend on the others.
 *
 * @throws PushforwardError `usage` for examples that are no pictures [C, H, W] or [H, W], and for levels outside of [0, 1]
 */
export function varied(inputs: Float32Array, shape: Shape, variation: Variation, seed: number): Float32Array {
  const refuse = (what: string, fix: string) =>
    new PushforwardError("usage", { what, where: { option: "data.variation" }, fix });
  if (shape.length < 2 || shape.length > 3) {
    throw refuse(
      `Only pictures [C, H, W] can be varied, and the examples are ${formatShape(shape)}.`,
      "Let the input of the network be pictures; a dense layer makes vectors of them by itself.",
    );
  }
  const outside = inputs.find((level) => !(level >= 0 && level <= 1));
  if (outside !== undefined) {
    throw refuse(
      `Pictures are varied where their levels are from 0 to 1, and one is ${outside}.`,
      "Scale them: in an array, or by the preprocessing.",
    );
  }
  const [height, width] = shape.slice(-2) as [number, number];
  const size = { channels: shape.length === 3 ? shape[0]! : 1, height, width };
  const entries = sizeOf(shape);
  const result = new Float32Array(inputs.length);
  for (let i = 0; i < inputs.length / entries; i++) {
    const part = (of: Float32Array) => of.subarray(i * entries, (i + 1) * entries);
    variations[variation](part(inputs), part(result), size, createRng(seed, "variation", i));
  }
  return result;
}

/** Turns a picture counter-clockwise, as it is seen, with bilinear interpolation. */
function rotate(from: Float32Array, to: Float32Array, { channels, height, width }: Size, angle: number): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  for (let channel = 0; channel < channels; channel++) {
    const first = channel * height * width;
    const at = (y: number, x: number) =>
      y < 0 || y >= height || x < 0 || x >= width ? 0 : from[first + y * width + x]!;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const fromX = middleX + cos * (x - middleX) - sin * (y - middleY);
        const fromY = middleY + sin * (x - middleX) + cos * (y - middleY);
        const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
        const [right, down] = [fromX - left, fromY - top];
        to[first + y * width + x] =
          (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
          down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
      }
    }
  }
}
