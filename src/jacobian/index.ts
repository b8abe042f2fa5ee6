export { productCost } from "./cost.ts";
export { describeInput, type Point } from "./feed.ts";
export { JacobianOperator } from "./jacobian-operator.ts";
export { type CompiledJacobian, Network } from "./network.ts";
export type { Tap } from "./taps.ts";
