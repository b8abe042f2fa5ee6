export { counted, type Prediction } from "./count.ts";
export { type MeasuredRates, measuredSpeed } from "./rates.ts";
export { rehearse } from "./rehearse.ts";
export { type SvdOptions, svd } from "./svd.ts";
export type { Certificate, SingularTriplets, SvdProgress } from "./triplets.ts";
