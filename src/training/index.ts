export type { Architecture, Layer, Weights } from "./architecture.ts";
export { accuracy, classify, wilsonInterval } from "./classify.ts";
export {
  countOf,
  type DataSet,
  examplesOf,
  type LabelledSet,
  type Split,
  splitStratified,
  subset,
  type Targets,
} from "./data-set.ts";
export { compileGradient, type Gradient, type GradientOptions } from "./gradient.ts";
export { inferenceModel, type TrainingGraph, type TrainingGraphOptions, trainingGraph } from "./graphs.ts";
export { type Initializer, initializers, initialWeights } from "./initializers.ts";
export { isHomogeneous, type LayerStep, layerStep, valuesOf, weightsAt } from "./layer-step.ts";
export { type ContrastiveDivergence, type Loss, type LossName, losses, lossName } from "./losses.ts";
export { createOptimizer, type Optimizer, type OptimizerSettings } from "./optimizers.ts";
export {
  courseOf,
  type DataSettings,
  type DrawnNetwork,
  parseDrawnNetwork,
  parseRecipe,
  type Recipe,
} from "./recipe.ts";
export { rateOf, type ScheduleSettings } from "./schedules.ts";
export { type Checkpoint, type TrainingIdentity, type TrainOptions, train, trainingManifest } from "./train.ts";
export { Trainer } from "./trainer.ts";
