import { createRng, formatShape, PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import type { DataSet, Split, Targets } from "./data-set.ts";

/**
 * Cuts windows of the shape of `to`, [C, h, w], out of a picture [C, H, W] at places that are drawn uniformly: [count, C, h, w].
 *
 * @param number the number of the picture, on which the places depend together with the seed
 * @throws PushforwardError `shape-mismatch` for a picture that is smaller, or has other channels
 */
export function cutPatches(
  picture: { readonly shape: Shape; readonly data: ArrayLike<number> },
  to: Shape,
  {
    count,
    seed,
    number,
    file,
  }: { readonly count: number; readonly seed: number; readonly number: number; readonly file: string },
): Float32Array {
  const [channels, height, width] = to as [number, number, number];
  const [own, rows, columns] = picture.shape as [number, number, number];
  if (to.length !== 3 || picture.shape.length !== 3 || own !== channels || rows < height || columns < width) {
    throw new PushforwardError("shape-mismatch", {
      what: `No patch of ${formatShape(to)} can be cut out of a picture of ${formatShape(picture.shape)}.`,
      where: { file },
      fix: "Let the input of the network be [channels, height, width], no larger than the pictures.",
    });
  }
  const rng = createRng(seed, "patches", number);
  const patches = new Float32Array(count * sizeOf(to));
  let at = 0;
  for (let i = 0; i < count; i++) {
    const [top, left] = [rng.integer(rows - height + 1), rng.integer(columns - width + 1)];
    for (let channel = 0; channel < channels; channel++) {
      for (let y = top; y < top + height; y++) {
        for (let x = left; x < left + width; x++) patches[at++] = picture.data[(channel * rows + y) * columns + x]!;
      }
    }
  }
  return patches;
}

/** Takes examples apart that are several patches each, [n, C, h, w], so that all patches of a picture are on one side of the split. */
export function ungrouped({ training, heldOut, heldOutIndices, mislabelled }: Split): Split {
  const [count, ...shape] = training.shape as [number, ...number[]];
  const each = <T>(all: Iterable<T>, made: (one: T, i: number) => T): T[] =>
    [...all].flatMap((one) => Array.from({ length: count }, (_, i) => made(one, i)));
  const apart = <T extends Targets>(data: DataSet<T>): DataSet<T> => {
    const targets: Targets = data.targets;
    if (!("labels" in targets) || targets.labels === undefined) return { ...data, shape };
    return {
      ...data,
      shape,
      targets: { ...targets, labels: Int32Array.from(each(targets.labels, (label) => label)) } as T,
    };
  };
  return {
    training: apart(training),
    heldOut: apart(heldOut),
    heldOutIndices: each(heldOutIndices, (index, i) => count * index + i),
    ...(mislabelled && { mislabelled: apart(mislabelled) }),
  };
}
