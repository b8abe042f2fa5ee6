import type { InputRecord, RunManifest } from "./types.ts";

/** One place on an axis: a name, or a number with a meaning of its own (a noise level, say). */
export type Label = string | number;

/** What a parameter of a study may be. */
export type ParamValue = number | string | readonly number[] | readonly string[];

/** A quantity that a study measures in every cell. */
export interface StudyVariable {
  /** Axes along which a cell has several values, beyond those of the cell itself; none for a single number. */
  readonly dims: readonly string[];
  readonly about: string;
  readonly unit?: string;
}

/** What every number of a study can be traced to, and how its arrays are laid out. */
export interface StudyManifest {
  readonly format: "pushforward-study";
  readonly formatVersion: 2;
  readonly study: string;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly model: RunManifest["model"];
  readonly inputs: readonly InputRecord[];
  readonly preprocess: RunManifest["preprocess"];
  readonly seed: number;
  /** Of the spectra that it rests on, where it does. */
  readonly spectra: Pick<RunManifest, "k" | "tol" | "vectors">;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly created: string;
  /** Every axis with its labels: those of the cells and those of variables. */
  readonly axes: Readonly<Record<string, readonly Label[]>>;
  /** Axes whose combinations are the cells: what is measured, stored and resumed one by one. */
  readonly cell: readonly string[];
  readonly variables: Readonly<Record<string, StudyVariable>>;
}

/** What one cell measures: a number, or as many as the variable's dims have places, row-major; what is left out stays NaN. */
export type CellValues = Readonly<Record<string, number | ArrayLike<number> | undefined>>;

/** One variable of all cells: [...cell, ...dims], row-major; NaN where nothing is stored. */
export interface StudyArray {
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
