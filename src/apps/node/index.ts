/// <reference types="node" preserve="true" />
export { PushforwardError } from "../../base/index.ts";
export { type ControlKind, type ControlLayer, controlKinds } from "../../controls/index.ts";
export { type Preprocess, parsePreset, presets } from "../../images/index.ts";
export type { Point, Tap } from "../../jacobian/index.ts";
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
export { ControlNetwork, type OpenControlOptions, openControl } from "./control.ts";
export { Jacobian, type Vectors } from "./jacobian.ts";
export { type LoadedInput, loadInput } from "./load-input.ts";
export { type JacobianOptions, NetworkFile, type OpenModelOptions, openModel } from "./open-model.ts";
