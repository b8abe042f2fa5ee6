export { type Iteration, iterate, type LayerDynamics } from "./iterate.ts";
export {
  type LyapunovExponent,
  type LyapunovOptions,
  type LyapunovSpectrum,
  lyapunovSpectrum,
} from "./lyapunov-spectrum.ts";
