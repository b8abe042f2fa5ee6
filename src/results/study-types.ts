import type { InputRecord, RunManifest } from "./types.ts";

/** A label on an axis: a name, or a number with a meaning (such as a noise level). */
export type Label = string | number;

/** The value of a parameter of a study. */
export type ParamValue = number | string | readonly number[] | readonly string[];

/** A quantity that a study measures in every cell. */
export interface StudyVariable {
  /** The axes along which a cell has several values; none if it has a single number. */
  readonly dims: readonly string[];
  readonly about: string;
  readonly unit?: string;
}

/** The provenance of the numbers of a study, and the layout of its arrays. */
export interface StudyManifest {
  readonly format: "pushforward-study";
  readonly formatVersion: 2;
  readonly study: string;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly model: RunManifest["model"];
  readonly given?: RunManifest["given"];
  readonly inputs: readonly InputRecord[];
  readonly preprocess: RunManifest["preprocess"];
  readonly seed: number;
  /** The settings of the spectra that the study uses. */
  readonly spectra: Pick<RunManifest, "k" | "tol" | "vectors">;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly created: string;
  /** Every axis with its labels: the axes of the cells and those of variables. */
  readonly axes: Readonly<Record<string, readonly Label[]>>;
  /** The axes whose combinations are the cells. Each cell is measured, stored and resumed as a whole. */
  readonly cell: readonly string[];
  readonly variables: Readonly<Record<string, StudyVariable>>;
}

/** The values of one cell: for each variable a number, or one for each combination along its dims, row-major. Missing ones are NaN. */
export type CellValues = Readonly<Record<string, number | ArrayLike<number> | undefined>>;

/** One variable of all cells: [...cell, ...dims], row-major; NaN where nothing is stored. */
export interface StudyArray {
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
