import { PushforwardError, type Rng, type Shape } from "../base/index.ts";
import { type LevelScale, toLevels, withLevelShift } from "./levels.ts";
import { type NoiseKind, noises } from "./noise.ts";
import type { ThroughJpeg } from "./types.ts";

/** An input of a network with noise in its levels. */
export interface NoisyInput {
  readonly point: Float32Array;
  /** What was added to the levels; 1 is the full scale. */
  readonly shift: Float32Array;
}

/**
 * Adds noise to the levels of a picture that was prepared for a network. `strength` is in the unit of its kind.
 *
 * @param shape [channels, height, width]
 * @throws PushforwardError `usage` for a kind that there is not, or a strength that is not a finite number of at least 0
 */
export async function noisyInput(
  x: Float32Array,
  shape: Shape,
  { kind, strength }: { readonly kind: NoiseKind; readonly strength: number },
  { scale, rng, throughJpeg }: { readonly scale: LevelScale; readonly rng: Rng; readonly throughJpeg: ThroughJpeg },
): Promise<NoisyInput> {
  if (!Object.hasOwn(noises, kind)) {
    throw new PushforwardError("usage", {
      what: `There is no noise "${kind}".`,
      fix: `Choose one of ${Object.keys(noises).join(", ")}.`,
    });
  }
  if (!(strength >= 0 && Number.isFinite(strength))) {
    throw new PushforwardError("usage", {
      what: `The strength of the noise is ${strength}.`,
      fix: `Give a number of at least 0: ${noises[kind].strength}.`,
    });
  }
  const picture = { shape: shape as [number, number, number], levels: toLevels(x, scale) };
  const noisy = await noises[kind].add(picture, strength, { rng, colour: scale.colour, throughJpeg });
  const shift = noisy.map((level, at) => level - picture.levels[at]!);
  return { point: withLevelShift(x, shift, scale), shift };
}
