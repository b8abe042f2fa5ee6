import type { Shape } from "../base/index.ts";
import { mean } from "./statistics.ts";

/** The transformations of a picture, relative to its centre. */
export const TRANSFORMATIONS = [
  "horizontal shift",
  "vertical shift",
  "rotation",
  "scale",
  "contrast",
  "stroke width",
] as const;
type Transformation = (typeof TRANSFORMATIONS)[number];

/**
 * The derivative of each pixel of a [channels, rows, columns] picture by each transformation: Lie derivatives from central
 * differences, one-sided at the border. Stroke width changes by dilation, whose derivative is the length of the gradient.
 *
 * @see Simard, LeCun, Denker & Victorri 1998
 */
export function tangentsOf(picture: Float32Array, shape: Shape): Readonly<Record<Transformation, Float32Array>> {
  const [channels, height, width] = shape as [number, number, number];
  const zeros = () => new Float32Array(picture.length);
  const tangents = {
    "horizontal shift": zeros(),
    "vertical shift": zeros(),
    rotation: zeros(),
    scale: zeros(),
    contrast: zeros(),
    "stroke width": zeros(),
  };
  for (let c = 0; c < channels; c++) {
    const channel = picture.subarray(c * height * width, (c + 1) * height * width);
    const middle = mean(channel);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [left, right] = [Math.max(column - 1, 0), Math.min(column + 1, width - 1)];
        const [above, below] = [Math.max(row - 1, 0), Math.min(row + 1, height - 1)];
        const dx = (channel[row * width + right]! - channel[row * width + left]!) / (right - left || 1);
        const dy = (channel[below * width + column]! - channel[above * width + column]!) / (below - above || 1);
        const [x, y] = [column - (width - 1) / 2, row - (height - 1) / 2];
        const at = (c * height + row) * width + column;
        tangents["horizontal shift"][at] = dx;
        tangents["vertical shift"][at] = dy;
        tangents.rotation[at] = x * dy - y * dx;
        tangents.scale[at] = x * dx + y * dy;
        tangents.contrast[at] = picture[at]! - middle;
        tangents["stroke width"][at] = Math.hypot(dx, dy);
      }
    }
  }
  return tangents;
}
