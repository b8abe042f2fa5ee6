import { chooseTaps } from "../../src/apps/cli/choose.ts";
import { DEFAULT_TOL, DEFAULT_VECTORS } from "../../src/apps/cli/options.ts";
import { runManifest } from "../../src/apps/cli/prepare.ts";
import { loadInput, type Network, openModel } from "../../src/apps/node/index.ts";
import { presets } from "../../src/images/index.ts";
import type { RunManifest } from "../../src/results/index.ts";
import { sharedPath } from "../../test/support/shared.ts";
import { alexnet, squeezenet } from "../layers.ts";

/** The networks whose runs are simulated. */
export const networks = [
  { name: "SqueezeNet 1.1", ...squeezenet },
  { name: "AlexNet's trunk", ...alexnet },
] as const;

export type Subject = (typeof networks)[number];

const pictures = ["n02279972_monarch.JPEG", "n01440764_tench.JPEG", "n01855672_goose.JPEG"];

/** A network with one thread, all layers of it, and pictures at which they are solved. */
export async function openSubject({ model, preset }: Subject) {
  const began = performance.now();
  const network = await openModel(sharedPath("data", "models", model), { threads: 1 });
  const opening = (performance.now() - began) / 1000;
  const points: Float32Array[] = [];
  const loading: number[] = [];
  for (const picture of pictures) {
    const from = performance.now();
    points.push((await loadInput(sharedPath("data", "images", picture), presets[preset])).data);
    loading.push((performance.now() - from) / 1000);
  }
  return { network, taps: chooseTaps(network, network.source, "all"), points, opening, loading: Math.min(...loading) };
}

/** The manifest of a run of all layers at so many pictures. */
export function manifestOf(network: Network, k: number, inputs: number): RunManifest {
  return runManifest(
    {
      model: { file: network.file, ...network.identity },
      given: [],
      backend: network.backend.description,
      from: network.source,
      taps: chooseTaps(network, network.source, "all"),
      preprocess: { name: "none", unit: "", settings: {} },
      inputs: {
        records: Array.from({ length: inputs }, (_, i) => ({
          name: `ILSVRC2012_val_${String(i + 1).padStart(8, "0")}`,
          file: `val/ILSVRC2012_val_${String(i + 1).padStart(8, "0")}.JPEG`,
          sha256: i.toString(16).padStart(64, "0"),
        })),
      },
    },
    { version: "", k, tol: DEFAULT_TOL, seed: 0, vectors: DEFAULT_VECTORS },
  );
}
