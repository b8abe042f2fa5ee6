/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
export type { DerivativeFile } from "../library/derivative-file.ts";
export * from "../library/index.ts";
export { type OpenControlOptions, openControl } from "./control.ts";
export { exportDerivative } from "./export.ts";
export { type LoadedInput, loadInput } from "./load-input.ts";
export { type OpenModelOptions, openModel, type Source } from "./open-model.ts";
