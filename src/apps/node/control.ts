import { type Control, type ControlKind, drawControl } from "../../controls/index.ts";
import { Network, type Point } from "../../jacobian/index.ts";
import { type Model, weightsInside, writeModel } from "../../onnx/index.ts";
import { type DeviceOptions, openDevice } from "../../platform/node/devices.ts";
import { sha256Of } from "./model-identity.ts";

export interface OpenControlOptions extends DeviceOptions {
  readonly kind: ControlKind;
  /** 0 unless given. */
  readonly seed?: number;
  /** The number of the draw, from 1; 1 unless given. Each is another network. */
  readonly draw?: number;
  /** Inputs of the network: `matched` compares activations at them and needs at least one. Other kinds do not look at them. */
  readonly points?: readonly Point[];
}

/** A network of the same graph as another one, whose weights carry nothing learned. */
export class ControlNetwork extends Network {
  readonly control: Pick<Control, "kind" | "seed" | "draw" | "layers">;

  constructor(trained: Network, control: Control, backend: Network["backend"]) {
    const { model, kind, seed, draw, layers } = control;
    super(model, backend, { file: trained.file, identity: { sha256: sha256Of(fileOf(model)) } });
    this.control = { kind, seed, draw, layers };
  }

  /** The control as an ONNX file, which any program can read. */
  bytes(): Uint8Array {
    return fileOf(this.model);
  }
}

const fileOf = (model: Model): Uint8Array => writeModel(weightsInside(model).onnx);

/**
 * Draws a control of a network, with a backend of its own, which `close` frees. The same network, kind, seed and draw (and, for
 * `matched`, points) give the same control.
 *
 * @throws PushforwardError what `drawControl` throws
 */
export async function openControl(
  network: Network,
  { kind, seed = 0, draw = 1, points = [], ...options }: OpenControlOptions,
): Promise<ControlNetwork> {
  const backend = await openDevice(options);
  try {
    return new ControlNetwork(
      network,
      await drawControl(network.model, { kind, seed, draw, points, backend }),
      backend,
    );
  } catch (cause) {
    await backend.dispose();
    throw cause;
  }
}
