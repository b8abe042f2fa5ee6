import type { Shape } from "../../../base/index.ts";
import { type LevelScale, toLevels } from "../../../images/index.ts";
import type { Pixels } from "./answers.ts";

/** An input of the network, seen as a picture; `undefined` if its shape is none of a picture. Levels beyond black and white are cut. */
export function pixelsOf(x: Float32Array, shape: Shape, scale: LevelScale): Pixels | undefined {
  const [channels, height, width] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3)) return undefined;
  const levels = toLevels(x, scale);
  const area = height! * width!;
  const rgba = new Uint8ClampedArray(4 * area).fill(255);
  for (let pixel = 0; pixel < area; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      const channel = channels === 1 ? 0 : scale.colour === "BGR" ? 2 - colour : colour;
      rgba[4 * pixel + colour] = 255 * levels[channel * area + pixel]!;
    }
  }
  return { width: width!, height: height!, rgba };
}
