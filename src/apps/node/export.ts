import type { ExportOptions, Network } from "../../jacobian/index.ts";
import { type DerivativeFile as BytesOfDerivative, derivativeFile } from "../library/derivative-file.ts";
import { writeOnnx } from "./write-file.ts";

/** A derivative as an ONNX file, which can be written to a disk. */
export interface DerivativeFile extends BytesOfDerivative {
  /**
   * Writes the file. Weights that do not fit into 2 GiB are written beside it.
   *
   * @throws PushforwardError `store-unwritable`
   */
  write(file: string): Promise<void>;
}

/**
 * The Jacobian between two taps as an ONNX file: its product with tangents, that of its transpose with cotangents, or the pass that
 * computes what these keep of a point. docs/exported.md explains the inputs and outputs.
 *
 * Shapes: tangents [K, ...source] and cotangents [K, ...target] with an open K; a batch axis of 1 is left out.
 * Units: target units per source unit.
 *
 * @param version of the program that writes the file, if that should be in it
 * @throws PushforwardError `usage` for options that do not go together; `tap-unknown`, also if `to` does not follow `from`;
 * `op-unsupported` naming all nodes without a rule; `shape-mismatch` if the point does not fit
 */
export async function exportDerivative(
  network: Network,
  options: ExportOptions,
  version?: string,
): Promise<DerivativeFile> {
  const { file, model, about } = await derivativeFile(network, options, version);
  return { ...file, write: (path) => writeOnnx(path, { model, about }) };
}
