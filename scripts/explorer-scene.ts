// What the explorer's first view shows, computed beforehand: spectra of the example network, and its scores along singular vectors.
import { readFile } from "node:fs/promises";
import { readDigits } from "../examples/digits/data.ts";
import type { StoredTraining } from "../src/apps/explorer/page/learn/training.ts";
import { packArrays } from "../src/apps/explorer/page/packed.ts";
import type { SceneIndex, ScenePicture, StoredDirection } from "../src/apps/explorer/page/scene.ts";
import type { SmallestStep, TapFacts } from "../src/apps/explorer/page/subject.ts";
import { loadInput, type Network, openModel, parsePreset, type Recipe, type Tap } from "../src/apps/node/index.ts";
import { createRng, sizeOf } from "../src/base/index.ts";
import { parseLabels } from "../src/images/index.ts";
import { numericalRankOf, type UnitResult } from "../src/results/index.ts";
import { cloudOf, turnedAlike } from "../src/studies/cloud.ts";
import { solveUnit, tripletsAt } from "../src/studies/spectrum.ts";

const folder = "examples/digits";
const settings = { tol: 1e-5, seed: 0, vectors: "all" } as const;
/** So many digits of each class are stored, for the network that learns in the page. */
const LEARNT_OF_EACH = 50;
/** Halvings of a stored step within which the class changes. */
const BISECTIONS = 12;
/** Steps are stored from −REACH to REACH, in full-scale pixels. */
const REACH = 3;
const STEPS_PER_UNIT = 10;
const epsilons = Float64Array.from({ length: 2 * REACH * STEPS_PER_UNIT + 1 }, (_, i) => i / STEPS_PER_UNIT - REACH);

/** The files of the scene by name, with the first pictures of the example, and so many triplets of each spectrum. */
export async function makeScene(
  { pictures: count, k }: { readonly pictures: number; readonly k: number },
  told: (line: string) => void,
): Promise<Map<string, Uint8Array>> {
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
      const looked = await lookAt(network, x, targets, k);
      files.set(`${pictures.length}.packed`, packArrays(looked));
      pictures.push({
        name: file.replace(/\.png$/, ""),
        label,
        x,
        ...(await summaryOf(network, x, looked)),
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
    files.set("training.packed", packArrays(await storedTraining()));
    return files.set("index.packed", packArrays(index));
  } finally {
    await network.close();
  }
}

/** The network of the example with digits from which it learns in the page: of each class as many. */
async function storedTraining(): Promise<StoredTraining> {
  const { network, initializer, loss } = JSON.parse(await readFile(`${folder}/recipe.json`, "utf8")) as Recipe;
  const { shape, inputs, targets } = readDigits().heldOut;
  const size = sizeOf(shape);
  const found = new Map<number, number>();
  const chosen = [...targets.labels.keys()].filter((i) => {
    const before = found.get(targets.labels[i]!) ?? 0;
    found.set(targets.labels[i]!, before + 1);
    return before < LEARNT_OF_EACH;
  });
  const recipe: Recipe = {
    network,
    initializer,
    loss,
    optimizer: { kind: "adamw", rate: 0.003, decay: 0.05 },
    data: { inputs: "digits.npy", targets: "classes.npy", heldOut: 100, seed: 1 },
    batch: 40,
    steps: 300,
    augmentation: { shift: 1 },
    seed: 0,
  };
  const levels = chosen.flatMap((i) => [...inputs.subarray(i * size, (i + 1) * size)]);
  return {
    recipe,
    shape: [chosen.length, ...shape],
    pixels: Uint8Array.from(levels, (level) => Math.round(255 * level)),
    classes: Float32Array.from(chosen, (i) => targets.labels[i]!),
  };
}

/** What the table of pictures shows of one. */
async function summaryOf(network: Network, x: Float32Array, { spectra, directions }: ScenePicture) {
  const [scores] = await network.forward(x, [network.output]);
  const [first, second] = ranked(scores!);
  const winnerAt = async (v: Float32Array, epsilon: number): Promise<number> => {
    const point = x.map((value, i) => value + epsilon * v[i]!);
    return ranked((await network.forward(point, [network.output]))[0]!)[0]!;
  };
  let smallest: SmallestStep | undefined;
  for (const { choice, v, scores: along } of directions) {
    if (choice === "random" || choice.tap !== network.output.name) continue;
    for (const sign of [-1, 1]) {
      const changed = firstChange(along, first!, sign);
      if (changed === undefined) continue;
      let [near, far] = [sign * (Math.abs(changed) - 1 / STEPS_PER_UNIT), changed];
      for (let halved = 0; halved < BISECTIONS; halved++) {
        const middle = (near + far) / 2;
        if ((await winnerAt(v, middle)) === first) near = middle;
        else far = middle;
      }
      if (smallest !== undefined && Math.abs(smallest.epsilon) <= Math.abs(far)) continue;
      smallest = { index: choice.index, epsilon: far, class: String(await winnerAt(v, far)) };
    }
  }
  return {
    predicted: String(first),
    margin: scores![first!]! - scores![second!]!,
    firstSigma: Float64Array.from(spectra, ({ unit }) => unit.sigma[0]!),
    ...(smallest && { smallestStep: smallest }),
  };
}

/** The first stored step on one side at which another class wins. */
function firstChange(along: Float32Array, winner: number, sign: number): number | undefined {
  const classes = along.length / epsilons.length;
  const zero = epsilons.indexOf(0);
  for (let i = zero; i >= 0 && i < epsilons.length; i += sign) {
    if (ranked(along.subarray(i * classes, (i + 1) * classes))[0] !== winner) return epsilons[i];
  }
  return undefined;
}

/** The classes from the highest score on. */
const ranked = (scores: Float32Array): number[] =>
  Array.from(scores, (_, c) => c).sort((a, b) => scores[b]! - scores[a]!);

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
async function lookAt(network: Network, x: Float32Array, targets: readonly Tap[], k: number): Promise<ScenePicture> {
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
    const { vectors, ...unit } = await solveUnit(J, tripletsAt(k, network.source, tap), settings);
    spectra.push({ tap: tap.name, unit });
    for (const index of shown(unit, tap.name === network.output.name)) {
      const v = vectors.v.slice(index * unit.n, (index + 1) * unit.n);
      directions.push(await along({ tap: tap.name, index }, v, unit.sigma[index]!));
    }
  }
  directions.push(await along("random", randomUnit(sizeOf(network.source.shape))));
  return { spectra, directions };
}

/** The vectors that are stored: all at the output, and elsewhere the first and the last whose σ is above the floor. */
function shown(unit: Pick<UnitResult, "sigma" | "floor">, isOutput: boolean): number[] {
  const known = numericalRankOf(unit);
  const all = Array.from({ length: known }, (_, index) => index);
  return isOutput ? all : all.filter((index) => index === 0 || index === known - 1);
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

const readMean = () => {
  throw new Error("The example's preprocessing has no mean picture.");
};

const factsOf = ({ name, op, shape, cut }: Tap): TapFacts => ({ name, op, shape, cut });
