import { type ExportOptions, exportDerivative, type Network } from "../../jacobian/index.ts";
import { type FileDescription, type OnnxModel, type ValueInfo, writeModel } from "../../onnx/index.ts";

/** A derivative as an ONNX file, for any program that runs ONNX. */
export interface DerivativeFile {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** What the file says of itself: its kind, taps, shapes, and where the values come from that J keeps. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The bytes of the file, if they are less than 2 GiB. */
  bytes(): Uint8Array;
}

/** The file, and what a host needs to write it in parts. */
export async function derivativeFile(
  network: Network,
  options: ExportOptions,
  version?: string,
): Promise<{ file: DerivativeFile; model: OnnxModel; about: FileDescription }> {
  const { model, about } = await exportDerivative(network, options);
  const { inputs, outputs } = model.graph;
  const described = { ...about, version };
  const file = { inputs, outputs, metadata: about.metadata, bytes: () => writeModel(model, { about: described }) };
  return { file, model, about: described };
}
