import { signal } from "@preact/signals";
import { PushforwardError } from "../../../base/index.ts";
import type { UnitNumbers } from "../../../figures/index.ts";
import { unpackArrays } from "./packed.ts";
import { pixelsOf } from "./pixels.ts";
import { storedSpectra } from "./stored-spectra.ts";
import {
  type Direction,
  type Frame,
  type Movement,
  type NetworkFacts,
  type SmallestStep,
  type Subject,
  sameChoice,
  spectrumKey,
  type VectorChoice,
} from "./subject.ts";

/** The pictures of the example go from 0 for black to 1 for white. */
const display = { scale: 1 / 255 };

/** What the site stores of the example, in `scene/index.packed`. */
export interface SceneIndex {
  readonly network: NetworkFacts;
  readonly classes: readonly string[];
  readonly pictures: readonly StoredPicture[];
  readonly movement: Movement;
}

interface StoredPicture {
  readonly name: string;
  readonly label: string;
  readonly predicted: string;
  readonly margin: number;
  /** The largest σ at each tap of the network. */
  readonly firstSigma: Float64Array;
  /** The smallest step along any vector of the output that changes the class; absent if none does. */
  readonly smallestStep?: SmallestStep;
  /** [source], from 0 for black to 1 for white. */
  readonly x: Float32Array;
}

/** A vector of the example with the scores along it. */
export interface StoredDirection {
  readonly choice: VectorChoice;
  readonly sigma?: number;
  /** [source], of length 1. */
  readonly v: Float32Array;
  /** J·v at the output, [classes]. */
  readonly jv: Float32Array;
  readonly epsilons: Float64Array;
  /** f(x + ε·v), [epsilons, classes]. */
  readonly scores: Float32Array;
}

/** What the site stores of one picture, in `scene/<number>.packed`. */
export interface ScenePicture {
  readonly spectra: readonly { readonly tap: string; readonly unit: UnitNumbers }[];
  readonly directions: readonly StoredDirection[];
}

/**
 * The example, read from the site. A picture is read when it is looked at.
 *
 * @throws PushforwardError `file-unreadable` if the site lacks it
 */
export async function openScene(address: (file: string) => string = (file) => `scene/${file}`): Promise<Subject> {
  const { network, classes, pictures, movement } = (await readPacked(address("index.packed"))) as SceneIndex;
  const { shape } = network.source;
  const opened = new Map<number, ScenePicture>();
  const stored = storedSpectra(async (picture) => {
    const found = (await readPacked(address(`${picture}.packed`))) as ScenePicture;
    opened.set(picture, found);
    return found.spectra;
  });
  const sources = [network.source, ...network.taps].map(({ name }) => name);
  return {
    network: { ...network, sources: sources.filter((name) => name !== network.output.name) },
    classes,
    pictures: pictures.map(({ x, ...facts }) => ({
      ...facts,
      isRight: facts.label === facts.predicted,
      pixels: pixelsOf(x, shape, display),
    })),
    unusable: [],
    ...stored,
    firstSigma: (picture, tap) => pictures[picture]!.firstSigma[network.taps.findIndex(({ name }) => name === tap)],
    smallestSteps: signal(
      new Map(
        pictures.map(({ smallestStep }, i) => [spectrumKey(i, network.output.name), smallestStep ?? ("none" as const)]),
      ),
    ),
    vectorsAt(picture, tap) {
      const directions = opened.get(picture)?.directions ?? [];
      return directions.flatMap(({ choice }) => (choice !== "random" && choice.tap === tap ? [choice.index] : []));
    },
    async direction(picture, choice) {
      await stored.look(picture);
      const found = opened.get(picture)!.directions.find((direction) => sameChoice(direction.choice, choice));
      if (found !== undefined) return withFrames(found, pictures[picture]!.x, shape);
      throw new PushforwardError("usage", {
        what: "This vector is not stored with the example.",
        fix: "Choose one of the vectors in the list, or open the network to compute it.",
      });
    },
    movement: signal(movement),
    async followPictures() {},
  };
}

function withFrames(stored: StoredDirection, x: Float32Array, shape: readonly number[]): Direction {
  const { v, jv, epsilons } = stored;
  const rest = epsilons.indexOf(0) * jv.length;
  const frames = Array.from(epsilons, (epsilon, i): Frame => {
    const at = i * jv.length;
    return {
      epsilon,
      pixels: () =>
        pixelsOf(
          x.map((value, entry) => value + epsilon * v[entry]!),
          shape,
          display,
        ),
      actual: stored.scores.subarray(at, at + jv.length),
      predicted: jv.map((slope, c) => stored.scores[rest + c]! + epsilon * slope),
    };
  });
  return {
    choice: stored.choice,
    ...(stored.sigma === undefined ? {} : { sigma: stored.sigma }),
    v,
    shape,
    epsilons,
    frames: signal(frames),
    async want() {},
    leave() {},
  };
}

/**
 * A packed file of the site.
 *
 * @throws PushforwardError `file-unreadable` if the site lacks it
 */
export async function readPacked(address: string): Promise<unknown> {
  const response = await fetch(address).catch((cause: unknown) => {
    throw missing(address, cause);
  });
  if (!response.ok) throw missing(address);
  return unpackArrays(new Uint8Array(await response.arrayBuffer()));
}

function missing(address: string, cause?: unknown): PushforwardError {
  return new PushforwardError("file-unreadable", {
    what: "A part of the example could not be read.",
    where: { file: address },
    fix: "Reload the page; if that does not help, build the site again: npm run explorer.",
    cause,
  });
}
