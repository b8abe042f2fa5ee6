export { type SvdOptions, svd } from "./svd.ts";
export type { Bound, Certificate, SingularTriplets, Status, SvdProgress } from "./triplets.ts";
