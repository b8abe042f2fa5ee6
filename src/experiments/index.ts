export type { Apparatus, Case, Experiment, Result } from "./experiment.ts";
export { describePrecision, type Row } from "./row.ts";
export { runCase, valuesOf } from "./run.ts";
export { experiments } from "./table.ts";
