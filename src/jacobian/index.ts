export { JacobianOperator } from "./jacobian-operator.ts";
export { type CompiledJacobian, type JacobianOptions, Network, type Point } from "./network.ts";
export { describeTap, type Tap } from "./taps.ts";
