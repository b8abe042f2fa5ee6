import type { Shape } from "../../../base/index.ts";
import { type DisplaySettings, inputLevels } from "../../../figures/index.ts";
import type { Pixels } from "../engine/index.ts";

/** Longer sides are shown smaller. In pixels. */
const MOST = 512;

/** A tensor of the source's shape as a canvas takes it, with its preprocessing undone. */
export function pixelsOf(x: Float32Array, shape: Shape, settings: DisplaySettings): Pixels {
  const { width, height, channels, data } = inputLevels(x, shape, settings, MOST);
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let colour = 0; colour < 3; colour++) rgba[4 * pixel + colour] = data[channels * pixel + (colour % channels)]!;
    rgba[4 * pixel + 3] = 255;
  }
  return { width, height, rgba };
}
