// With what the version of this page before the controls was measured.

/** The size of a study: numbers, and how long its lists are. */
type Size = Readonly<Record<string, number>>;

/** The strengths of each kind of noise, which were as many for all networks. */
const levels: Size = { gaussian: 8, uniform: 8, "salt-and-pepper": 8, blur: 8, jpeg: 8 };

/** Of each network and study: inputs, k, taps, and the settings that a study has of its own. */
export const earlier: Readonly<Record<string, Readonly<Record<string, Size>>>> = {
  alexnet: {
    spectra: { inputs: 16, k: 500, taps: 10, directions: 8, steps: 0 },
    vectors: { inputs: 16, k: 500, taps: 10 },
    noise: { inputs: 16, k: 50, kinds: 1, images: 16, probes: 4, ...levels },
  },
  digits: {
    spectra: { inputs: 160, k: 100, taps: 6, directions: 8, steps: 100 },
    vectors: { inputs: 160, k: 100, taps: 6 },
    noise: { inputs: 160, k: 100, kinds: 5, images: 16, probes: 16, ...levels },
    "directional-noise": { inputs: 160, k: 100, directions: 8, amplitudes: 10, draws: 5 },
    pairs: { inputs: 160, k: 100, taps: 6, pairs: 8, directions: 3 },
    trajectory: { inputs: 160, k: 100, taps: 7 },
    manifold: { inputs: 160, k: 100, taps: 6, directions: 2, neighbours: 8, local: 3, draws: 20 },
  },
  resnet20: {
    spectra: { inputs: 40, k: 100, taps: 4, directions: 8, steps: 100 },
    vectors: { inputs: 40, k: 100, taps: 4 },
    noise: { inputs: 40, k: 100, kinds: 5, images: 6, probes: 16, ...levels },
    "directional-noise": { inputs: 40, k: 100, directions: 8, amplitudes: 10, draws: 5 },
    pairs: { inputs: 40, k: 100, taps: 4, pairs: 8, directions: 3 },
    trajectory: { inputs: 40, k: 100, taps: 5 },
    manifold: { inputs: 40, k: 100, taps: 4, directions: 2, neighbours: 8, local: 3, draws: 20 },
  },
  squeezenet: {
    spectra: { inputs: 16, k: 100, taps: 5, directions: 8, steps: 20 },
    vectors: { inputs: 16, k: 100, taps: 5 },
    noise: { inputs: 64, k: 50, kinds: 5, images: 6, probes: 4, ...levels },
    "directional-noise": { inputs: 32, k: 100, directions: 8, amplitudes: 10, draws: 5 },
    pairs: { inputs: 16, k: 100, taps: 5, pairs: 8, directions: 3 },
    trajectory: { inputs: 16, k: 100, taps: 6 },
    manifold: { inputs: 16, k: 100, taps: 5, directions: 2, neighbours: 8, local: 3, draws: 20 },
  },
};
