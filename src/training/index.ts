export type { Architecture, Layer, Weights } from "./architecture.ts";
export { Batches } from "./batches.ts";
export { accuracy, classify, wilsonInterval } from "./classify.ts";
export { codeOf, encoded, encoderTo, outputShape, weightsIn } from "./codes.ts";
export {
  countOf,
  type DataSet,
  examplesOf,
  type LabelledSet,
  type Split,
  shuffled,
  splitStratified,
  subset,
  type Targets,
} from "./data-set.ts";
export { Evaluation, type Score } from "./evaluation.ts";
export { compileGradient, type Gradient, type GradientOptions } from "./gradient.ts";
export {
  inferenceModel,
  type TensorPlace,
  type TrainingGraph,
  type TrainingGraphOptions,
  tensorsOf,
  trainedShapes,
  trainingGraph,
} from "./graphs.ts";
export { type Initializer, initializers, initialWeights } from "./initializers.ts";
export { type KeyPlace, refuseKey } from "./json-checks.ts";
export { isHomogeneous, type LayerStep, layerStep, valuesOf, weightsAt } from "./layer-step.ts";
export { type ContrastiveDivergence, type Loss, type LossName, losses, lossName } from "./losses.ts";
export { createOptimizer, type Optimizer, type OptimizerSettings } from "./optimizers.ts";
export { cutPatches, ungrouped } from "./patches.ts";
export {
  courseOf,
  type DataSettings,
  type DrawnNetwork,
  parseDrawnNetwork,
  parseRecipe,
  type Recipe,
  type Through,
} from "./recipe.ts";
export { rateOf, type ScheduleSettings } from "./schedules.ts";
export { isStack, type Stack, type Stage, stagesOf } from "./stack.ts";
export { isTrained, type Start, startingWeights, startsOf } from "./start.ts";
export { type Checkpoint, type TrainingIdentity, type TrainOptions, train, trainingManifest } from "./train.ts";
export { Trainer, type TrainingScore } from "./trainer.ts";
