export { PushforwardError } from "../../base/index.ts";
export { type ControlKind, type ControlLayer, controlKinds } from "../../controls/index.ts";
export {
  type Iteration,
  iterate,
  type LayerDynamics,
  type LyapunovExponent,
  type LyapunovOptions,
  type LyapunovSpectrum,
  lyapunovSpectrum,
} from "../../dynamics/index.ts";
export { type Preprocess, parsePreset, presets } from "../../images/index.ts";
export {
  cotangentGraph,
  type DerivativeKind,
  DerivativeNetwork,
  type DerivativeOptions,
  type ExportOptions,
  gradientGraph,
  Jacobian,
  type JacobianOptions,
  Network,
  type Point,
  type ProductOptions,
  type Tap,
  tangentGraph,
  type Vectors,
} from "../../jacobian/index.ts";
export {
  compose,
  dotTest,
  type LinearOperator,
  sliceSource,
  sliceTarget,
  sum,
  transposeOf,
} from "../../operator/index.ts";
export { type Certificate, type SingularTriplets, type SvdOptions, svd } from "../../svd/index.ts";
/** Closed forms of what training and random weights do: functions that return numbers, each with its source. */
export * as theory from "../../theory/index.ts";
export { type Initializer, initializers } from "../../training/index.ts";
export { ControlNetwork } from "./control-network.ts";
