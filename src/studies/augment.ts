import type { Rng, Shape } from "../base/index.ts";
import { mean } from "./statistics.ts";

/** The largest shift of a picture, as a fraction of its rows and columns. */
const MOVE = 0.05;
/** The largest relative change of contrast. */
const CONTRAST = 0.2;

/**
 * A transformed copy of a picture, [channels, rows, columns]: shifted by up to a twentieth, with more or less contrast, and mirrored in
 * half of all cases. Pixels from outside of the picture repeat its edge.
 */
export function augmented(picture: Float32Array, shape: Shape, rng: Rng): Float32Array {
  const [channels, height, width] = shape as [number, number, number];
  const drawn = (most: number) => most * (2 * rng.uniform() - 1);
  const [down, right] = [Math.round(drawn(MOVE * height)), Math.round(drawn(MOVE * width))];
  const contrast = 1 + drawn(CONTRAST);
  const isMirrored = rng.uniform() < 0.5;
  const within = (place: number, extent: number) => Math.min(extent - 1, Math.max(0, place));
  const result = new Float32Array(picture.length);
  for (let c = 0; c < channels; c++) {
    const channel = picture.subarray(c * height * width, (c + 1) * height * width);
    const middle = mean(channel);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const from = within((isMirrored ? width - 1 - column : column) - right, width);
        const value = channel[within(row - down, height) * width + from]!;
        result[(c * height + row) * width + column] = middle + contrast * (value - middle);
      }
    }
  }
  return result;
}
