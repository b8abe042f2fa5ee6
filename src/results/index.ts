export type * from "./chart.ts";
export { controlName, describeGiven, describeMismatch, sameRun, storedVectors, tapNamed } from "./manifest.ts";
export { matchInputs } from "./match-inputs.ts";
export {
  createRun,
  earlierRun,
  type InputNote,
  openRun,
  type Run,
  type Table,
  type TableName,
  type UnitPlace,
} from "./run.ts";
export { progressOf, type RunProgress, type TapProgress } from "./run-progress.ts";
export {
  createSearchRun,
  openSearchRun,
  type SearchManifest,
  type SearchPart,
  type SearchPlace,
  SearchRun,
  type SearchValues,
} from "./search-run.ts";
export { type Band, bandOf, type IndexBand, knownBands, spectrumBands } from "./spectrum-bands.ts";
export { measureSpectrum, type SpectrumMeasures } from "./spectrum-measures.ts";
export { kinksOf, missesTolerance, numericalRankOf, resolvedSigma } from "./status.ts";
export { type ByteRange, type Key, MemoryStore, partOf, type Store } from "./store.ts";
export { type CellFailure, createStudyRun, earlierStudyRun, openStudyRun, type StudyRun } from "./study-run.ts";
export type * from "./study-types.ts";
export {
  readSubjectFiles,
  type SubjectFile,
  type SubjectFiles,
  subjectKey,
  writeSubjectFiles,
} from "./subject-files.ts";
export {
  type CheckpointScore,
  createTrainingRun,
  openTrainingRun,
  type TrainingManifest,
  TrainingRun,
} from "./training-run.ts";
export type * from "./types.ts";
