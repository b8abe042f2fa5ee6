import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sharedPath } from "../test/support/shared.ts";
import { alexnet } from "./layers.ts";
import { peakMemory } from "./peak-memory.ts";

/** The taps of AlexNet's trunk in the paper's figure 3. */
export const FIGURE3_TAPS = [
  ...["conv1", "norm1", "pool1", "conv2", "norm2", "pool2", "conv3", "conv4", "conv5", "pool5"],
];

/** The command of figure 3 with so many pictures, evenly from all of them, which lie in the order of their classes. */
export function figure3(count: number, k: string): string[] {
  const pictures = sharedPath("data", "images");
  const names = readdirSync(pictures).sort();
  const chosen = Array.from({ length: count }, (_, i) =>
    join(pictures, names[Math.floor((i * names.length) / count)]!),
  );
  const model = sharedPath("data", "models", alexnet.model);
  return ["spectrum", model, ...chosen, "--preprocess", alexnet.preset, "--taps", FIGURE3_TAPS.join(","), "-k", k];
}

/** Runs the compiled command, and watches how much memory it holds where the system tells. */
export async function timedCommand(
  options: readonly string[],
): Promise<{ readonly seconds: number; readonly bytes: number | undefined }> {
  const started = performance.now();
  const command = fileURLToPath(new URL("../dist/apps/cli/main.js", import.meta.url));
  const child = spawn(process.execPath, [command, ...options], { stdio: ["ignore", "ignore", "inherit"] });
  let bytes: number | undefined;
  const watch = setInterval(() => {
    bytes = peakMemory(child.pid!) ?? bytes;
  }, 1000);
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("exit", resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`the command ended with ${code}`);
  return { seconds: (performance.now() - started) / 1000, bytes };
}
