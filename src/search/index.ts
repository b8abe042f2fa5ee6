export { measuredBy, type Size, sizeWithin, workLeft, workOf, workOfTable } from "./budget.ts";
export { bookOf, type DriveOptions, drive, driveTable, ranking, TABLE } from "./drive.ts";
export { type SearchExamples, searchExamples } from "./examples.ts";
export { type Found, type Job, labor } from "./labor.ts";
export { costInSteps } from "./measure.ts";
export { LAST, shares } from "./rungs.ts";
export { type Candidate, parseSpace, type Space } from "./space.ts";
export { type Strategy, type StrategyName, strategies } from "./strategies.ts";
export type { TrialState } from "./trial.ts";
