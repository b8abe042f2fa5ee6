export type * from "./chart.ts";
export { describeMismatch, sameRun } from "./manifest.ts";
export { createRun, earlierRun, type InputNote, openRun, type Run, type Table, type TableName } from "./run.ts";
export { measureSpectrum, type SpectrumMeasures } from "./spectrum-measures.ts";
export { missesTolerance, numericalRankOf, resolvedSigma } from "./status.ts";
export { type Key, MemoryStore, type Store } from "./store.ts";
export { createStudyRun, openStudyRun, type StudyRun } from "./study-run.ts";
export type * from "./study-types.ts";
export type * from "./types.ts";
