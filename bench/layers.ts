import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { loadInput, type Network } from "../src/apps/node/index.ts";
import { presets } from "../src/images/index.ts";
import { sharedPath } from "../test/support/shared.ts";

/** The photograph at which layers are solved. */
export const photograph = (): string => sharedPath("data", "images", "n02279972_monarch.JPEG");

/** A network of the shared folder, and how its pictures are prepared. */
export const squeezenet = { model: "squeezenet1.1.onnx", preset: "imagenet" as const };
export const alexnet = { model: "alexnet-trunk.onnx", preset: "caffe-alexnet" as const };

/** J(input → tap) at the photograph. */
export async function jacobianAt(network: Network, preset: keyof typeof presets, tap: string) {
  return network.jacobian({ at: await loadInput(photograph(), presets[preset]), to: tap });
}

/** What a bench, given its own URL, prints as JSON in a process of its own. */
export function inProcess<T>(bench: string, options: readonly string[]): T {
  const args = ["--import", "tsx", fileURLToPath(bench), ...options];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${options.join(" ")} failed: ${stderr}`);
  return JSON.parse(stdout) as T;
}
