export { type ClaimName, claims } from "./claims.ts";
export { reasonOf } from "./failure.ts";
export { Forecast, type TapForecast, timeOf } from "./forecast.ts";
export { Lab } from "./lab.ts";
export { spectrum, tripletsAt } from "./spectrum.ts";
export { ranked } from "./statistics.ts";
export {
  cellName,
  cellPlaces,
  FEWEST_IMAGES,
  type Findings,
  type FindingTable,
  type Params,
  paramsOf,
  readStudy,
  runStudy,
  type Study,
  type StudyData,
  type Verdict,
} from "./study.ts";
export { studies } from "./table.ts";
export { timeOfWork } from "./work.ts";
