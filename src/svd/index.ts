export { COUNTED_WITHIN, counted, type Prediction } from "./count.ts";
export { type MeasuredRates, measuredSpeed } from "./rates.ts";
export { rehearse } from "./rehearse.ts";
export { symmetricEigen } from "./small/eigen.ts";
export { type SvdOptions, svd } from "./svd.ts";
export type { Certificate, SingularTriplets, SvdProgress } from "./triplets.ts";
