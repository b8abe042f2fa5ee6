import { type Control, type ControlKind, drawControl } from "../../controls/index.ts";
import { Network, type Point } from "../../jacobian/index.ts";
import { type Model, weightsInside, writeModel } from "../../onnx/index.ts";
import type { Backend } from "../../runtime/index.ts";

export interface DrawOptions {
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

  /** @param sha256 the hash of its file */
  constructor(trained: Network, control: Control, backend: Network["backend"], sha256: string) {
    const { model, kind, seed, draw, layers } = control;
    super(model, backend, { file: trained.file, identity: { sha256 } });
    this.control = { kind, seed, draw, layers };
  }

  /** The control as an ONNX file, which any program can read. */
  bytes(): Uint8Array {
    return fileOf(this.model);
  }
}

const fileOf = (model: Model): Uint8Array => writeModel(weightsInside(model).onnx);

/** Draws a control of a network on a backend of its own, which is freed with it, and at once if that fails. */
export async function controlOn(
  backend: Backend,
  network: Network,
  { kind, seed = 0, draw = 1, points = [] }: DrawOptions,
  hash: (bytes: Uint8Array) => string | Promise<string>,
): Promise<ControlNetwork> {
  try {
    const control = await drawControl(network.model, { kind, seed, draw, points, backend });
    return new ControlNetwork(network, control, backend, await hash(fileOf(control.model)));
  } catch (cause) {
    await backend.dispose();
    throw cause;
  }
}
