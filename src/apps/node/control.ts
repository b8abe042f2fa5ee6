import type { Network } from "../../jacobian/index.ts";
import { type DeviceOptions, openDevice } from "../../platform/node/devices.ts";
import { type ControlNetwork, controlOn, type DrawOptions } from "../library/control-network.ts";
import { sha256Of } from "./model-identity.ts";

export interface OpenControlOptions extends DeviceOptions, DrawOptions {}

/**
 * Draws a control of a network, with a backend of its own, which `close` frees. The same network, kind, seed and draw (and, for
 * `matched`, points) give the same control.
 *
 * @throws PushforwardError what `drawControl` throws
 */
export async function openControl(network: Network, options: OpenControlOptions): Promise<ControlNetwork> {
  return controlOn(await openDevice(options), network, options, sha256Of);
}
