// With how many inputs and what k the version of this page before the controls was measured.

/** Inputs and k of each study; for the study of noise also the images whose spectra were followed. */
export const earlier: Readonly<
  Record<string, Readonly<Record<string, { readonly inputs: number; readonly k: number; readonly followed?: number }>>>
> = {
  alexnet: {
    spectra: { inputs: 16, k: 500 },
    vectors: { inputs: 16, k: 500 },
    noise: { inputs: 16, k: 50, followed: 16 },
  },
  digits: {
    spectra: { inputs: 160, k: 100 },
    vectors: { inputs: 160, k: 100 },
    noise: { inputs: 160, k: 100, followed: 16 },
    "directional-noise": { inputs: 160, k: 100 },
    pairs: { inputs: 160, k: 100 },
    trajectory: { inputs: 160, k: 100 },
    manifold: { inputs: 160, k: 100 },
  },
  resnet20: {
    spectra: { inputs: 40, k: 100 },
    vectors: { inputs: 40, k: 100 },
    noise: { inputs: 40, k: 100, followed: 6 },
    "directional-noise": { inputs: 40, k: 100 },
    pairs: { inputs: 40, k: 100 },
    trajectory: { inputs: 40, k: 100 },
    manifold: { inputs: 40, k: 100 },
  },
  squeezenet: {
    spectra: { inputs: 16, k: 100 },
    vectors: { inputs: 16, k: 100 },
    noise: { inputs: 64, k: 50, followed: 6 },
    "directional-noise": { inputs: 32, k: 100 },
    pairs: { inputs: 16, k: 100 },
    trajectory: { inputs: 16, k: 100 },
    manifold: { inputs: 16, k: 100 },
  },
};
