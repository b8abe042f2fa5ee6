// The trial that came before the controls of this page, kept to see what of it comes out again.

/** SqueezeNet 1.1 with 6 photographs and k = 100, one permuted network and two matched ones. */
export const trial = { network: "squeezenet", images: 6, k: 100, permuted: 1, matched: 2 } as const;

/** A measure of the tables by tap, with what the trial gave. */
export interface Measure {
  readonly name: string;
  readonly table: "spectra-by-tap" | "vectors-by-tap";
  readonly column: string;
}

export interface TrialRow {
  readonly measure: Measure;
  readonly tap: string;
  readonly trained: number;
  readonly permuted: number;
  readonly matched: readonly [number, number];
  /** The interval of the trained network, where the trial gave one. */
  readonly interval?: readonly [number, number];
}

const ofSpectra = (name: string, column: string): Measure => ({ name, table: "spectra-by-tap", column });
const ofVectors = (name: string, column: string): Measure => ({ name, table: "vectors-by-tap", column });

export const measures = {
  first: ofSpectra("σ₁", "σ₁"),
  participation: ofSpectra("participation ratio", "participation_ratio"),
  rank: ofSpectra("effective rank", "effective_rank"),
  area: ofVectors("rank correlation of σ with area", "correlation of area with σ"),
  firstArea: ofVectors("area of the first vector", "area, first"),
  frequency: ofVectors("rank correlation of σ with frequency", "correlation of frequency with σ"),
} as const;

const [inner, last] = ["fire9.concat", "logits"];

export const trialRows: readonly TrialRow[] = [
  {
    measure: measures.participation,
    tap: inner,
    trained: 54.6,
    interval: [45.8, 61.9],
    permuted: 59.3,
    matched: [73.2, 68.3],
  },
  {
    measure: measures.participation,
    tap: last,
    trained: 12.4,
    interval: [9.7, 16.0],
    permuted: 2.5,
    matched: [3.7, 4.6],
  },
  { measure: measures.rank, tap: last, trained: 76.2, interval: [73.0, 79.5], permuted: 58.3, matched: [64.6, 70.6] },
  { measure: measures.area, tap: inner, trained: -0.73, permuted: -0.91, matched: [-0.92, -0.92] },
  { measure: measures.area, tap: last, trained: -0.74, permuted: -0.68, matched: [-0.7, -0.71] },
  { measure: measures.firstArea, tap: inner, trained: 0.0104, permuted: 0.0018, matched: [0.0024, 0.002] },
  { measure: measures.frequency, tap: inner, trained: 0.25, permuted: -0.86, matched: [-0.8, -0.74] },
  { measure: measures.first, tap: inner, trained: 2436, permuted: 10, matched: [69, 81] },
];
