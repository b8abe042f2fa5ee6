import { directionalNoise } from "./directional-noise.ts";
import { dynamics } from "./dynamics.ts";
import { features } from "./features.ts";
import { lens } from "./lens.ts";
import { manifold } from "./manifold.ts";
import { noise } from "./noise.ts";
import { pairs } from "./pairs.ts";
import { spectra } from "./spectra.ts";
import type { Study } from "./study.ts";
import { trajectory } from "./trajectory.ts";
import { vectors } from "./vectors.ts";

/** The studies of the questions in the paper, in the order of its page. */
export const paperStudies: readonly Study[] = [spectra, vectors, noise, directionalNoise, pairs, trajectory, manifold];

/** Every study, in the order of the page. */
export const studies: readonly Study[] = [...paperStudies, lens, dynamics, features];
