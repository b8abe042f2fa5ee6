/// <reference types="node" preserve="true" />
export type { Architecture, Checkpoint, DataSet, Layer, Recipe, Split, Weights } from "../../training/index.ts";
export * from "../library/index.ts";
export { type OpenControlOptions, openControl } from "./control.ts";
export { type DerivativeFile, exportDerivative } from "./export.ts";
export { type LoadedInput, loadInput } from "./load-input.ts";
export { type OpenModelOptions, openModel } from "./open-model.ts";
export { networkBytes, openTraining, Training } from "./open-training.ts";
export { type TrainSettings, train, trainStack } from "./train.ts";
