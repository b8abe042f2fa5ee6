import type { Shape } from "../../../base/index.ts";
import type { Pixels } from "../engine/index.ts";

/** Levels from 0 (black) to 1 (white) as pixels: [1 or 3, height, width]; what lies beyond is cut off. */
export function pixelsOf(levels: Float32Array, shape: Shape): Pixels {
  const [channels = 1, height = 1, width = 1] = shape;
  const area = height * width;
  const rgba = new Uint8ClampedArray(4 * area);
  for (let pixel = 0; pixel < area; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      rgba[4 * pixel + colour] = 255 * levels[(channels === 3 ? colour * area : 0) + pixel]!;
    }
    rgba[4 * pixel + 3] = 255;
  }
  return { width, height, rgba };
}
