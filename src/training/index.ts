export { type AdamOptions, adam, cosineRate, type Optimizer } from "./adam.ts";
export { accuracy, classify, wilsonInterval } from "./classify.ts";
export type { Convnet, Dropout, Layer, Weights } from "./convnet.ts";
export { type DataSet, type Split, splitStratified, subset } from "./data-set.ts";
export { compileGradient, type Gradient, type GradientOptions } from "./gradient.ts";
export { inferenceModel, type Mask, type TrainingGraph, trainingGraph } from "./graphs.ts";
export { type EpochProgress, initialWeights, type TrainOptions, train } from "./train.ts";
