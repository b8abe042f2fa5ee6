export {
  type Activation,
  errorFunction,
  hardTanh,
  linear,
  relu,
  type SigmoidOptions,
  sigmoid,
  tanh,
} from "./activations.ts";
export { type Mode, modeCurve, modeTime, twoLayerStrength } from "./deep-linear.ts";
export { type Exponent, gaussianExponents, normScatter } from "./lyapunov.ts";
export {
  criticalPoint,
  criticalWithoutBias,
  type Ensemble,
  type MeanField,
  meanField,
  type RandomLayers,
  slopeMoment,
  spectrumVariance,
} from "./mean-field.ts";
export { fussCatalan, marchenkoPastur, type Spectrum } from "./random-matrices.ts";
