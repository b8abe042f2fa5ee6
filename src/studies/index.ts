export { type ClaimName, claims } from "./claims.ts";
export { cloudOf, turnedAlike } from "./cloud.ts";
export { type ControlFindings, claimsTable, type FlatTable, flatTable, withControls } from "./control-findings.ts";
export { reasonOf } from "./failure.ts";
export { Forecast, type TapForecast, timeOf } from "./forecast.ts";
export { type Checkpoint, type Checkpoints, type EncoderTraining, type EncoderTrainings, Lab } from "./lab.ts";
export { ALONE, isOfShard, isUnitOfShard, type Shard } from "./shard.ts";
export { solveUnit, spectrum, tripletsAt, withExceptions } from "./spectrum.ts";
export { type Estimate, ranked } from "./statistics.ts";
export {
  cellName,
  cellPlaces,
  type Findings,
  type FindingTable,
  type Params,
  paramsOf,
  readStudy,
  runStudy,
  type Study,
  type StudyData,
} from "./study.ts";
export { paperStudies, studies } from "./table.ts";
export { toldBriefly } from "./told.ts";
export { FEWEST_DRAWS, FEWEST_IMAGES, type Verdict } from "./verdict.ts";
export { timeOfWork } from "./work.ts";
