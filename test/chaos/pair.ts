import { setTimeout as delay } from "node:timers/promises";
import { createRng } from "../../src/base/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { pushforward } from "../apps/command-line.ts";
import { convnet } from "../apps/networks.ts";
import { besideNumbers, createWorkplace, differences, randomNpy } from "../apps/workplace.ts";
import type { Outcome } from "./outcome.ts";

const SIZE = 8;
const INPUTS = ["a.npy", "b.npy", "c.npy"];

/** Two commands for the same run start in one folder, one a little after the other. Both must end well, with the bytes of one command. */
export async function pair({ rounds, seed }: { readonly rounds: number; readonly seed: number }): Promise<Outcome> {
  const rng = createRng(seed, "pair");
  const place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: SIZE })) });
  const faults: string[] = [];
  try {
    for (const [i, name] of INPUTS.entries()) await place.put(name, randomNpy([1, SIZE, SIZE], i));
    const command = (out: string) =>
      pushforward(["spectrum", "net.onnx", ...INPUTS, "--threads", "1", "--out", out], { cwd: place.folder });
    await command("alone");
    for (let round = 0; round < rounds; round++) {
      const first = command(`run-${round}`);
      await delay(rng.uniform() * 1000);
      const second = command(`run-${round}`);
      for (const { code, stderr } of [await first, await second]) {
        if (code !== 0) faults.push(`a command of round ${round} exited with ${code}: ${stderr.slice(-500)}`);
      }
      for (const file of await differences(place, "alone", `run-${round}`, besideNumbers))
        faults.push(`${file} differs in round ${round}`);
    }
    return { about: `two commands in one folder, ${rounds} times`, faults };
  } finally {
    await place.remove();
  }
}
