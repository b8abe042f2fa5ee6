import { directionalNoise } from "./directional-noise.ts";
import { manifold } from "./manifold.ts";
import { noise } from "./noise.ts";
import { pairs } from "./pairs.ts";
import { spectra } from "./spectra.ts";
import type { Study } from "./study.ts";
import { trajectory } from "./trajectory.ts";
import { vectors } from "./vectors.ts";

/** Every study, in the order of its page. */
export const studies: readonly Study[] = [spectra, vectors, noise, directionalNoise, pairs, trajectory, manifold];
