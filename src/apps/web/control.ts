import { sha256Of } from "../../base/index.ts";
import type { Network } from "../../jacobian/index.ts";
import { createWebBackend, type WebBackendOptions } from "../../platform/web/backend.ts";
import { type ControlNetwork, controlOn, type DrawOptions } from "../library/control-network.ts";

export interface OpenControlOptions extends WebBackendOptions, DrawOptions {}

/**
 * Draws a control of a network, with a backend of its own, which `close` frees. The same network, kind, seed and draw (and, for
 * `matched`, points) give the same control.
 *
 * @throws PushforwardError what `drawControl` throws
 */
export async function openControl(network: Network, options: OpenControlOptions): Promise<ControlNetwork> {
  return controlOn(await createWebBackend(options), network, options, sha256Of);
}
