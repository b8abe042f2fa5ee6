export { productCost } from "./cost.ts";
export {
  cotangentGraph,
  DerivativeNetwork,
  type DerivativeOptions,
  gradientGraph,
  type ProductOptions,
  tangentGraph,
} from "./derivative-network.ts";
export { type DerivativeKind, type ExportOptions, exportDerivative } from "./export.ts";
export { describeInput, inputsOf, missingError, type Point } from "./feed.ts";
export { Jacobian, type Vectors } from "./jacobian.ts";
export type { KinkCount } from "./kinks.ts";
export { type ForwardPass, type JacobianOptions, type ModelIdentity, Network } from "./network.ts";
export { openGraph } from "./open-graph.ts";
export type { Tap } from "./taps.ts";
