import type { ImageDecoder, ThroughJpeg } from "../../../images/index.ts";
import type { Network } from "../../../jacobian/index.ts";
import type { Backend } from "../../../runtime/index.ts";
import type { GivenFile, RequestOf } from "./protocol.ts";

/** What the engine takes from the program that it runs in. */
export interface EngineHost {
  /**
   * Opens the network in a model's file. The others lie beside it, and it may refer to them by their names.
   *
   * @throws PushforwardError `model-invalid`, `external-data`, `op-unsupported`, `shape-mismatch`, and others of `openModel`
   */
  openNetwork(
    model: GivenFile,
    beside: readonly GivenFile[],
    options: Pick<RequestOf<"open">, "inputShape" | "quantized">,
  ): Promise<Network>;
  /** A backend of its own for a training, whose networks are small. */
  openBackend(): Promise<Backend>;
  readonly decoder: ImageDecoder;
  readonly throughJpeg: ThroughJpeg;
  /** Hexadecimal. */
  sha256(bytes: Uint8Array): Promise<string>;
  /** Lets messages be heard: resolves when the tasks that wait have had their turn. */
  pause(): Promise<void>;
}
