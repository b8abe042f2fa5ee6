import { sizeOf } from "../base/index.ts";
import { preprocess } from "./preprocess.ts";
import { channelsOf, type Preprocess, type Size } from "./presets.ts";

/** How the input of a network represents the levels of a picture: the values of black and of white for each entry. */
export interface LevelScale {
  readonly colour: Preprocess["colour"];
  /** [channels, height, width] */
  readonly black: Float32Array;
  readonly white: Float32Array;
}

/**
 * The level scale of a preprocessing that was adapted to a network.
 *
 * @throws PushforwardError `shape-mismatch` if it refuses pictures of the size of its own crop
 */
export function levelScaleOf(preset: Preprocess): LevelScale {
  const [height, width] = sizeBefore(preset);
  const channels = channelsOf(preset);
  const even = (level: number) =>
    preprocess({ height, width, channels, data: new Uint8Array(height * width * channels).fill(level) }, preset).data;
  return { colour: preset.colour, black: even(0), white: even(255) };
}

/** A size of pictures that the preprocessing accepts. */
function sizeBefore({ resize, crop, mean }: Preprocess): Size {
  if (resize !== "none") {
    if ("exact" in resize) return resize.exact;
    return "required" in resize ? resize.required : [resize.shorterSide, resize.shorterSide];
  }
  if ("file" in mean) return [mean.shape[1]!, mean.shape[2]!];
  return crop === "none" ? [1, 1] : crop;
}

/** The level scale of arrays that are not pictures: from the smallest of all their entries to the largest. */
export function levelScaleOfArrays(arrays: readonly Float32Array[], shape: readonly number[]): LevelScale {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const array of arrays) {
    for (const value of array) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  const even = (value: number) => new Float32Array(sizeOf(shape)).fill(value);
  return { colour: shape[0] === 1 ? "gray" : "RGB", black: even(least), white: even(most) };
}

/** The levels of an input, 0 for black and 1 for white. */
export function toLevels(x: Float32Array, { black, white }: LevelScale): Float32Array {
  return x.map((value, at) => (white[at] === black[at] ? 0 : (value - black[at]!) / (white[at]! - black[at]!)));
}

/** The input x with `shift` added to its levels. */
export function withLevelShift(x: Float32Array, shift: Float32Array, { black, white }: LevelScale): Float32Array {
  return x.map((value, at) => value + shift[at]! * (white[at]! - black[at]!));
}
