export { type AdamOptions, adam, cosineRate, type Optimizer } from "./adam.ts";
export type { Architecture, Layer, Weights } from "./architecture.ts";
export { accuracy, classify, wilsonInterval } from "./classify.ts";
export { type DataSet, type Split, splitStratified, subset } from "./data-set.ts";
export { compileGradient, type Gradient, type GradientOptions } from "./gradient.ts";
export { inferenceModel, type TrainingGraph, type TrainingGraphOptions, trainingGraph } from "./graphs.ts";
export { type Initializer, initialWeights } from "./initializers.ts";
export { type LossName, losses } from "./losses.ts";
export { type EpochProgress, type TrainOptions, train } from "./train.ts";
