import { classStatistics } from "./class-statistics.ts";
import pictures from "./digit-pictures.json" with { type: "json" };
import { type DigitTask, taskOf } from "./digit-task.ts";

/** 1000 of the training digits, as black and white pictures. */
interface DigitPictures {
  /** Pixels of a picture. */
  readonly size: number;
  /** [count, size], 0 or 1 */
  readonly pixels: Float32Array;
  readonly labels: readonly number[];
}

export function digitPictures(): DigitPictures {
  const { size } = pictures;
  const bytes = atob(pictures.pixels);
  const labels = Array.from(pictures.labels, Number);
  const pixels = Float32Array.from(
    { length: labels.length * size },
    (_, at) => (bytes.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1,
  );
  return { size, pixels, labels };
}

/** The task to learn the classes of these pictures, with the directions of their principal components. */
export interface PictureTask extends DigitTask {
  /** [components][pixels], orthonormal */
  readonly directions: readonly Float64Array[];
}

/** The classes of these pictures from so many of their principal components, which takes about a second. */
export function pictureTask(components: number): PictureTask {
  const { pixels, labels } = digitPictures();
  const statistics = classStatistics(pixels, labels, components);
  return { ...taskOf(statistics, components), directions: statistics.directions };
}
