/** What Mototake & Ikegami 2015 say, suppose or leave open, in our words, and where. */
export const claims = {
  steep: {
    where: "§5, figure 3",
    said: "In the higher layers spectra are steep: a few large singular values, and very many near zero.",
  },
  local: {
    where: "§5, figure 4",
    said: "The larger its singular value, the more local is a singular vector; those of small ones spread over the picture.",
  },
  shrinks: {
    where: "§5, figure 5",
    said: "In the higher layers the whole distribution of singular values shrinks as noise grows.",
  },
  "with the class": {
    where: "§6",
    said: "It shrinks where noise makes recognition worse.",
  },
  cause: {
    where: "§5, left open",
    said: "Why it shrinks is not known.",
  },
  directions: {
    where: "§5, planned",
    said: "Noise along vectors of large and along those of small singular values should tell them apart.",
  },
  erased: {
    where: "§2",
    said: "A small difference between two images of one class is erased on the way, as one between two handwritten ones.",
  },
  movement: {
    where: "§2, figures 1 and 2",
    said: "Images are particles that the layers move through a space of pictures.",
  },
  manifold: {
    where: "§5 and §6",
    said: "A supervised network too captures the manifold of few dimensions on which its data lie.",
  },
} as const;

export type ClaimName = keyof typeof claims;
