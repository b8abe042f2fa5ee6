export { type Checkup, checkNetwork, type Finding, type TapCheck } from "./check-network.ts";
export { failingPart } from "./failing-part.ts";
