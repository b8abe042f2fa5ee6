import { rm } from "node:fs/promises";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { pushforward } from "../apps/command-line.ts";
import { convnet } from "../apps/networks.ts";
import { besideNumbers, createWorkplace, differences, randomNpy } from "../apps/workplace.ts";
import type { Outcome } from "./outcome.ts";

const SIZE = 8;
const INPUTS = ["a.npy", "b.npy"];

/**
 * A command finds the disk full from a write on, or is killed there, for each `every`-th write of a run. It must say so, the store must open if there is one, and
 * the same command must then complete it, with the bytes of a command that nothing disturbed.
 */
export async function writes({ every }: { readonly every: number }): Promise<Outcome> {
  const place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: SIZE })) });
  const faults: string[] = [];
  let tried = 0;
  try {
    for (const [i, name] of INPUTS.entries()) await place.put(name, randomNpy([1, SIZE, SIZE], i));
    const preload = `--import ${new URL("./failing-disk.mjs", import.meta.url).href}`;
    const command = (out: string, env: Readonly<Record<string, string>> = {}) =>
      pushforward(
        ["spectrum", "net.onnx", ...INPUTS, "--taps", "conv1,logits", "--threads", "1", "--no-plan", "--out", out],
        { cwd: place.folder, env },
      );
    await command("alone");
    for (const kind of ["full", "kill"]) {
      for (let write = 1; ; write += every) {
        const at = `${kind} ${write}`;
        const { code, stderr } = await command("run", { NODE_OPTIONS: preload, FAILING_DISK: at });
        if (code === 0) break; // The run has fewer writes.
        tried++;
        if (kind === "full" && (code !== 2 || !/The disk is full/.test(stderr)))
          faults.push(`${at}: exit code ${code}: ${stderr.slice(-500)}`);
        const store = new DirectoryStore(place.path("run"));
        if (await store.has("/zarr.json"))
          await openRun(store).catch((cause: unknown) => faults.push(`${at}: the store does not open: ${cause}`));
        const again = await command("run");
        if (again.code !== 0)
          faults.push(`${at}: the same command exited with ${again.code}: ${again.stderr.slice(-500)}`);
        for (const file of await differences(place, "alone", "run", besideNumbers))
          faults.push(`${at}: ${file} differs`);
        await rm(place.path("run"), { recursive: true });
      }
      await rm(place.path("run"), { recursive: true });
    }
    return { about: `a full disk, or kill −9, at ${tried} writes`, faults };
  } finally {
    await place.remove();
  }
}
