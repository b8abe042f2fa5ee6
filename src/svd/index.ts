export { type Prediction, rehearse } from "./rehearse.ts";
export { type SvdOptions, svd } from "./svd.ts";
export type { Certificate, SingularTriplets, SvdProgress } from "./triplets.ts";
