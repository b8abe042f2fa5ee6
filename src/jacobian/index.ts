export { productCost } from "./cost.ts";
export { JacobianOperator } from "./jacobian-operator.ts";
export { type CompiledJacobian, Network, type Point } from "./network.ts";
export type { Tap } from "./taps.ts";
