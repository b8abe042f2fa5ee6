// What the explorer's first view shows, computed beforehand: spectra of the example network, and its scores along singular vectors.
import { readFile } from "node:fs/promises";
import { packArrays } from "../src/apps/explorer/page/packed.ts";
import type { SceneIndex, ScenePicture, StoredDirection } from "../src/apps/explorer/page/scene.ts";
import type { TapFacts } from "../src/apps/explorer/page/subject.ts";
import { loadInput, type Network, openModel, parsePreset, type Tap } from "../src/apps/node/index.ts";
import { createRng, sizeOf } from "../src/base/index.ts";
import { parseLabels } from "../src/images/index.ts";
import { numericalRankOf, type UnitResult } from "../src/results/index.ts";
import { cloudOf, turnedAlike } from "../src/studies/cloud.ts";
import { solveUnit, tripletsAt } from "../src/studies/spectrum.ts";

const folder = "examples/digits";
const settings = { tol: 1e-5, seed: 0, vectors: "all" } as const;
/** Triplets of each spectrum. */
const K = 100;
/** Steps are stored from −REACH to REACH, in full-scale pixels. */
const REACH = 3;
const STEPS_PER_UNIT = 10;
const epsilons = Float64Array.from({ length: 2 * REACH * STEPS_PER_UNIT + 1 }, (_, i) => i / STEPS_PER_UNIT - REACH);

/** The files of the scene by name, with the first pictures of the example. */
export async function makeScene(count: number, told: (line: string) => void): Promise<Map<string, Uint8Array>> {
  const network = await openModel(`${folder}/digits.onnx`);
  try {
    const recipe = `${folder}/preprocess.json`;
    const preset = await parsePreset(JSON.parse(await readFile(recipe, "utf8")), recipe, readMean);
    const { byFile } = parseLabels(await readFile(`${folder}/labels.tsv`, "utf8"), `${folder}/labels.tsv`);
    const targets = network.taps.filter((tap) => tap.op !== "Input");
    const files = new Map<string, Uint8Array>();
    const pictures: SceneIndex["pictures"][number][] = [];
    for (const [file, label] of [...byFile].sort().slice(0, count)) {
      const { data } = await loadInput(`${folder}/images/${file}`, preset);
      const x = Float32Array.from(data);
      const [scores] = await network.forward(x, [network.output]);
      files.set(`${pictures.length}.packed`, packArrays(await lookAt(network, x, targets)));
      pictures.push({
        name: file.replace(/\.png$/, ""),
        label,
        predicted: String(largestOf(scores!)),
        x,
      });
      told(`${file} (${pictures.length} of ${Math.min(count, byFile.size)})`);
    }
    const index: SceneIndex = {
      network: {
        name: "digits.onnx",
        taps: targets.map(factsOf),
        source: factsOf(network.source),
        output: factsOf(network.output),
        unit: preset.unit,
      },
      classes: Array.from({ length: network.classCount }, (_, digit) => String(digit)),
      pictures,
      movement: await movementOf(
        network,
        pictures.map(({ x }) => x),
      ),
    };
    return files.set("index.packed", packArrays(index));
  } finally {
    await network.close();
  }
}

/** Where the pictures are at each cut. */
async function movementOf(network: Network, points: readonly Float32Array[]): Promise<SceneIndex["movement"]> {
  const taps = network.taps.filter(({ cut }) => cut);
  const positions: Float64Array[] = [];
  for (const tap of taps) {
    positions.push((await cloudOf(await network.forwardAll(points, tap), network.backend.algebra)).position);
  }
  return { taps: taps.map(({ name }) => name), positions: turnedAlike(positions) };
}

/** All that the page can show of one picture. */
async function lookAt(network: Network, x: Float32Array, targets: readonly Tap[]): Promise<ScenePicture> {
  const spectra: ScenePicture["spectra"][number][] = [];
  const directions: StoredDirection[] = [];
  using toOutput = await network.jacobian({ at: x });
  const along = async (
    choice: StoredDirection["choice"],
    v: Float32Array,
    sigma?: number,
  ): Promise<StoredDirection> => ({
    choice,
    ...(sigma === undefined ? {} : { sigma }),
    v,
    jv: (await toOutput.jvp(v)).data,
    epsilons,
    scores: await scoresAlong(network, x, v),
  });
  for (const tap of targets) {
    using J = await network.jacobian({ at: x, to: tap });
    const { vectors, ...unit } = await solveUnit(J, tripletsAt(K, network.source, tap), settings);
    spectra.push({ tap: tap.name, unit });
    for (const index of shown(unit, tap.name === network.output.name)) {
      const v = vectors.v.slice(index * unit.n, (index + 1) * unit.n);
      directions.push(await along({ tap: tap.name, index }, v, unit.sigma[index]!));
    }
  }
  directions.push(await along("random", randomUnit(sizeOf(network.source.shape))));
  return { spectra, directions };
}

/** The vectors that are stored: all at the output, and elsewhere the first two and the last whose σ is above the floor. */
function shown(unit: Pick<UnitResult, "sigma" | "floor">, isOutput: boolean): number[] {
  const known = numericalRankOf(unit);
  const all = Array.from({ length: known }, (_, index) => index);
  return isOutput ? all : all.filter((index) => index < 2 || index === known - 1);
}

/** [epsilons, classes] */
async function scoresAlong(network: Network, x: Float32Array, v: Float32Array): Promise<Float32Array> {
  const points = Array.from(epsilons, (epsilon) => x.map((value, i) => value + epsilon * v[i]!));
  const values = await network.forwardAll(points, network.output);
  return Float32Array.from(values.flatMap((value) => [...value]));
}

function randomUnit(size: number): Float32Array {
  const rng = createRng(0, "explorer: a random vector");
  const v = Float32Array.from({ length: size }, () => rng.gaussian());
  const length = Math.hypot(...v);
  return v.map((value) => value / length);
}

const largestOf = (values: Float32Array): number => values.indexOf(Math.max(...values));

const readMean = () => {
  throw new Error("The example's preprocessing has no mean picture.");
};

const factsOf = ({ name, op, shape, cut }: Tap): TapFacts => ({ name, op, shape, cut });
