/**
 * The kinds of control that can be drawn for any network. In each, only the weights of the layers change.
 *
 * - `permuted`: the weights of each layer are shuffled within the layer.
 * - `permuted-filters`: the weights of each filter (or row or column of a matrix) are shuffled within it.
 * - `gaussian`: normal numbers with the mean and variance of the layer's weights.
 * - `matched`: `permuted` of the same seed and draw, with one gain for each layer, by which the layer's output has the root mean square
 *   of the trained network's.
 */
export const controlKinds = ["permuted", "permuted-filters", "gaussian", "matched"] as const;

export type ControlKind = (typeof controlKinds)[number];

/** What to do if a network has no control of the kind `matched`. */
export const OTHER_KINDS = "Choose another kind of control: permuted, permuted-filters or gaussian.";
