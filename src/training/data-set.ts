import { createRng, PushforwardError, type Rng, type Shape, sizeOf } from "../base/index.ts";

/** Labelled images in memory. */
export interface DataSet {
  /** Shape of one image, [C, H, W]. */
  readonly shape: Shape;
  /** All images one after another. */
  readonly images: Float32Array;
  /** Class of each image, from 0. */
  readonly labels: Uint8Array;
}

/** A data set split into two parts, with the positions of the held-out images in the whole set. */
export interface Split {
  readonly training: DataSet;
  readonly heldOut: DataSet;
  /** Positions of the held-out images in the whole set, ascending. */
  readonly heldOutIndices: readonly number[];
}

/** Copies the images at these positions, in this order. */
export function subset({ shape, images, labels }: DataSet, indices: readonly number[]): DataSet {
  const size = sizeOf(shape);
  const chosen = new Float32Array(indices.length * size);
  indices.forEach((index, to) => {
    chosen.set(images.subarray(index * size, (index + 1) * size), to * size);
  });
  return { shape, images: chosen, labels: Uint8Array.from(indices, (index) => labels[index]!) };
}

/**
 * Holds out `heldOut` images, drawn at random. Each class has the same share of them as it has of the whole set.
 *
 * @throws PushforwardError `usage` unless 0 ≤ heldOut ≤ the number of images
 */
export function splitStratified(data: DataSet, heldOut: number, seed: number): Split {
  const count = data.labels.length;
  if (!Number.isInteger(heldOut) || heldOut < 0 || heldOut > count) {
    throw new PushforwardError("usage", {
      what: `${heldOut} of ${count} images cannot be held out.`,
      where: { option: "heldOut" },
      fix: `Give an integer from 0 to ${count}.`,
    });
  }
  // Shuffled, then in order of class: each step of count/heldOut takes one.
  const rng = createRng(seed, "split");
  const byClass = shuffled(count, rng).sort((a, b) => data.labels[a]! - data.labels[b]!);
  const chosen = new Set(Array.from({ length: heldOut }, (_, i) => byClass[Math.floor((i * count) / heldOut)]!));
  const all = Array.from({ length: count }, (_, i) => i);
  const heldOutIndices = all.filter((index) => chosen.has(index));
  return {
    training: subset(
      data,
      all.filter((index) => !chosen.has(index)),
    ),
    heldOut: subset(data, heldOutIndices),
    heldOutIndices,
  };
}

/** 0 … count − 1 in random order. */
export function shuffled(count: number, rng: Rng): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Copies one image [C, H, W] into `to`, shifted down and right by whole pixels. Pixels from outside of the image are zero. */
export function copyShifted(image: Float32Array, to: Float32Array, shape: Shape, down: number, right: number): void {
  const [channels, height, width] = shape as [number, number, number];
  const first = Math.max(0, right);
  const last = Math.min(width, width + right);
  to.fill(0);
  for (let row = 0; row < channels * height; row++) {
    const y = (row % height) - down;
    if (y < 0 || y >= height) continue;
    const from = (row - down) * width;
    to.set(image.subarray(from + first - right, from + last - right), row * width + first);
  }
}
