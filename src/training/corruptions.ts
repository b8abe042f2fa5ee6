import type { Rng } from "../base/index.ts";

/** How the inputs of a step are corrupted, while its targets stay clean, as in a denoising auto-encoder. */
export type Corruption =
  /** Gaussian noise with this standard deviation is added to each entry. */
  | { readonly kind: "gaussian"; readonly deviation: number }
  /** Each entry becomes 0 with probability `rate`; the others stay as they are. */
  | { readonly kind: "masking"; readonly rate: number };

type OfKind<K extends Corruption["kind"]> = Corruption & { readonly kind: K };

const corruptions: {
  readonly [K in Corruption["kind"]]: (values: Float32Array, settings: OfKind<K>, rng: Rng) => void;
} = {
  gaussian(values, { deviation }, rng) {
    for (let i = 0; i < values.length; i++) values[i]! += deviation * rng.gaussian();
  },
  masking(values, { rate }, rng) {
    for (let i = 0; i < values.length; i++) if (rng.uniform() < rate) values[i] = 0;
  },
};

/**
 * Corrupts inputs in place.
 *
 * @see Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders"
 */
export function corrupt<K extends Corruption["kind"]>(values: Float32Array, settings: OfKind<K>, rng: Rng): void {
  corruptions[settings.kind as K](values, settings, rng);
}
