import type { Rng } from "../base/index.ts";
import type { LevelScale } from "./levels.ts";
import type { DecodedImage, ThroughJpeg } from "./types.ts";

/** The levels of a picture, 0 for black and 1 for white, [channels, height, width]. */
interface LevelPicture {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly levels: Float32Array;
}

interface NoiseMeans {
  readonly rng: Rng;
  readonly colour: LevelScale["colour"];
  readonly throughJpeg: ThroughJpeg;
}

interface Noise {
  /** The meaning of its strength, in words. */
  readonly strength: string;
  /** Adds noise of this strength to a picture. The result stays between black and white. */
  add(picture: LevelPicture, strength: number, means: NoiseMeans): Float32Array | Promise<Float32Array>;
}

const clipped = (level: number): number => Math.min(1, Math.max(0, level));

/** The kinds of noise, by name. */
export const noises = {
  gaussian: {
    strength: "standard deviation, as a fraction of full scale",
    add: ({ levels }, strength, { rng }) => levels.map((level) => clipped(level + strength * rng.gaussian())),
  },
  uniform: {
    strength: "largest change, as a fraction of full scale",
    add: ({ levels }, strength, { rng }) => levels.map((level) => clipped(level + strength * (2 * rng.uniform() - 1))),
  },
  "salt-and-pepper": {
    strength: "share of pixels made black or white",
    add: saltAndPepper,
  },
  blur: {
    strength: "standard deviation of a Gaussian, in pixels",
    add: blurred,
  },
  jpeg: {
    strength: "quality, 1 to 100",
    add: compressed,
  },
} as const satisfies Readonly<Record<string, Noise>>;

export type NoiseKind = keyof typeof noises;

function saltAndPepper({ shape, levels }: LevelPicture, strength: number, { rng }: NoiseMeans): Float32Array {
  const [channels, height, width] = shape;
  const area = height * width;
  const result = levels.slice();
  for (let pixel = 0; pixel < area; pixel++) {
    const [drawn, isSalt] = [rng.uniform(), rng.uniform() < 0.5];
    if (drawn >= strength) continue;
    for (let channel = 0; channel < channels; channel++) result[channel * area + pixel] = isSalt ? 1 : 0;
  }
  return result;
}

/** Weights beyond this many standard deviations are ignored. */
const REACH = 3;

/** A convolution with a Gaussian along both axes. Pixels outside of the picture repeat its edge. */
function blurred({ shape: [, height, width], levels }: LevelPicture, sigma: number): Float32Array {
  if (sigma === 0) return levels;
  const reach = Math.max(1, Math.ceil(REACH * sigma));
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const along = (from: Float32Array, step: number, extent: number) => {
    const to = new Float32Array(from.length);
    for (let at = 0; at < from.length; at++) {
      const place = Math.floor(at / step) % extent;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) {
        const other = Math.min(extent - 1, Math.max(0, place + i - reach));
        sum += weights[i]! * from[at + (other - place) * step]!;
      }
      to[at] = sum / total;
    }
    return to;
  };
  return along(along(levels, 1, width), width, height);
}

async function compressed({ shape, levels }: LevelPicture, strength: number, { colour, throughJpeg }: NoiseMeans) {
  const [channels, height, width] = shape;
  const area = height * width;
  // The samples of a pixel are adjacent, red first.
  const place = (channel: number) => (colour === "BGR" ? channels - 1 - channel : channel);
  const data = new Uint8Array(levels.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < area; pixel++) {
      data[pixel * channels + place(channel)] = Math.round(255 * levels[channel * area + pixel]!);
    }
  }
  const read = await throughJpeg({ width, height, channels: channels as DecodedImage["channels"], data }, strength);
  return levels.map((_, at) => {
    const [channel, pixel] = [Math.floor(at / area), at % area];
    return read.data[pixel * read.channels + place(channel)]! / 255;
  });
}
