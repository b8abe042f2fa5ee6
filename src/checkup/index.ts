export { type Checkup, checkNetwork, type Finding, type TapCheck } from "./check-network.ts";
export { checkRun, type UnitCheck } from "./check-run.ts";
export { failingPart } from "./failing-part.ts";
export type { Fault } from "./fault.ts";
