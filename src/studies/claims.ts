/** What Mototake & Ikegami 2015 state, assume or leave open, in our words, with the place in the paper. */
export const claims = {
  steep: {
    where: "§5, figure 3",
    said: "In higher layers, spectra are steep: a few singular values are large, and very many are near zero.",
  },
  local: {
    where: "§5, figure 4",
    said: "Singular vectors with large singular values are local; those with small ones spread over the picture.",
  },
  shrinks: {
    where: "§5, figure 5",
    said: "In higher layers, all singular values shrink as noise increases.",
  },
  "with the class": {
    where: "§6",
    said: "Singular values shrink where noise makes recognition worse.",
  },
  cause: {
    where: "§5, left open",
    said: "It is not known why singular values shrink with noise.",
  },
  directions: {
    where: "§5, planned",
    said: "Noise along singular vectors of large singular values should have other effects than noise along those of small ones.",
  },
  erased: {
    where: "§2",
    said: "A small difference between two images of one class, such as two handwritten ones, is erased along the layers.",
  },
  movement: {
    where: "§2, figures 1 and 2",
    said: "Images can be seen as particles that the layers move through a space.",
  },
  manifold: {
    where: "§5 and §6",
    said: "A network trained with labels also captures the low-dimensional manifold on which its data lie.",
  },
} as const;

export type ClaimName = keyof typeof claims;
