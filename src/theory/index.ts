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
export { circularConvolution, type Kernel, paddedConvolution } from "./convolutions.ts";
export { type Mode, modeCurve, modeTime, twoLayerStrength } from "./deep-linear.ts";
export { endToEndCurve, type Product } from "./end-to-end.ts";
export { finiteWidthMean } from "./finite-width.ts";
export { type Decomposition, jacobiSvd } from "./jacobi-svd.ts";
export { jacobianSpectrum, type LayerChain } from "./jacobian-spectrum.ts";
export { type Exponent, gaussianExponents, normScatter, typicalExponent } from "./lyapunov.ts";
export {
  criticalPoint,
  criticalWithoutBias,
  type Ensemble,
  type LayerPass,
  layerPass,
  type MeanField,
  meanField,
  type RandomLayers,
  slopeMoment,
  spectrumVariance,
} from "./mean-field.ts";
export { fussCatalan, marchenkoPastur, type Spectrum } from "./random-matrices.ts";
