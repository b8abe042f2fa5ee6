export type { CompiledJacobian } from "./compiled-jacobian.ts";
export { productCost } from "./cost.ts";
export { describeInput, inputsOf, missingError, type Point } from "./feed.ts";
export { JacobianOperator } from "./jacobian-operator.ts";
export { Network } from "./network.ts";
export type { Tap } from "./taps.ts";
