import { extname } from "node:path";
import { createRng, drawSeed, gaussianArray, PushforwardError, type Shape, sizeOf } from "../../base/index.ts";
import { iterate, type LayerDynamics } from "../../dynamics/index.ts";
import { readNpy } from "../../images/index.ts";
import { openGraph } from "../../jacobian/index.ts";
import { openDevice } from "../../platform/node/devices.ts";
import { isHomogeneous, type LayerStep, layerStep, weightsAt } from "../../training/index.ts";
import { type Network, openModel } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { readBytes } from "../node/open-model.ts";
import { readDrawnNetwork } from "../node/recipe-file.ts";
import { type OpeningOptions, openOptions } from "./opening.ts";

/** What is iterated, and from where. */
export interface IterationOptions extends OpeningOptions {
  readonly from?: string;
  readonly to?: string;
  readonly start: string;
  /** That of the recipe unless it is given, or else 0. */
  readonly seed?: number;
  /** Whether the layers of a recipe have the same weights at every step. */
  readonly tied?: boolean;
}

/** A network whose layers are time steps. */
export interface Iterated {
  /** Whoever measures closes it. */
  readonly network: Network;
  readonly dynamics: LayerDynamics;
  readonly seed: number;
  /** What a step is, in words. */
  readonly about: string;
  /** What determines it, as `--json` states it. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * The dynamics of an ONNX file, or of the layers that a recipe (.json) describes.
 *
 * @throws PushforwardError `usage` for options of the other kind of file; errors of `openModel`, `readDrawnNetwork`, `layerStep` and `iterate`
 */
export function openIterated(file: string, options: IterationOptions): Promise<Iterated> {
  const isRecipe = extname(file).toLowerCase() === ".json";
  const others = isRecipe ? (["shape", "input", "quantized"] as const) : (["tied"] as const);
  const given = others.find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw new PushforwardError("usage", {
      what: isRecipe
        ? `--${given} is for ONNX files: a recipe states its network, and its weights are drawn.`
        : "--tied is for the layers of a recipe: the weights of an ONNX file are the same at every step.",
      where: { file, option: `--${given}` },
      fix: "Leave it out.",
    });
  }
  return isRecipe ? iteratedLayers(file, options) : iteratedModel(file, options);
}

async function iteratedModel(file: string, options: IterationOptions): Promise<Iterated> {
  const { seed = 0 } = options;
  const network = await openModel(file, await openOptions(options));
  return orClosed(network, async () => {
    const from = options.from === undefined ? network.input : network.tap(options.from);
    const to = options.to === undefined ? network.output : network.tap(options.to);
    const start = await firstState(options.start, seed, from.shape);
    const about = `${from.name} → ${to.name}`;
    const ends = { from: from.name, to: to.name };
    const settings = { model: file, ...network.identity, ...ends };
    return { network, dynamics: iterate(network, { start, from, to }), seed, about, settings };
  });
}

/** The layers of a recipe that keep the size of the state, with weights that are drawn anew at each step, or once. */
async function iteratedLayers(file: string, { from, to, ...options }: IterationOptions): Promise<Iterated> {
  const { tied = false } = options;
  const { network: described, initializer, seed: own = 0, sha256 } = await readDrawnNetwork(file);
  const { seed = own } = options;
  const ends = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const step = placed(file, () => layerStep(described, ends));
  // Tied weights are those with which a training of this seed begins.
  const seedAt = (at: number) => (tied ? seed : drawSeed(seed, "lyapunov", at));
  const inputsAt = placed(file, () => weightsAt(step, initializer, { tied, seedAt }));
  const start = await firstState(options.start, seed, step.shape);
  const backend = await openDevice(await openOptions(options));
  const network = await openGraph(step.model, backend, { file, identity: { sha256 } }).catch(async (cause: unknown) => {
    await backend.dispose();
    throw cause;
  });
  const { layers, times } = step;
  const homogeneous = isHomogeneous(step, initializer);
  return orClosed(network, () => {
    const settings = { recipe: file, sha256, from: step.from, to: layers.at(-1), layers, times, tied };
    return {
      network,
      dynamics: iterate(network, { start, inputsAt, homogeneous }),
      seed,
      about: describe(step, tied),
      settings,
    };
  });
}

function describe({ from, layers, times }: LayerStep, tied: boolean): string {
  const equal = times > 1 ? ` (the first of ${times} equal parts)` : "";
  return `${from} → ${layers.join(" → ")}${equal}, weights ${tied ? "the same at every step" : "drawn anew at each step"}`;
}

/** Names the file in errors. */
function placed<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof PushforwardError ? cause.at({ file }) : cause;
  }
}

async function orClosed<T>(network: Network, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    await network.close();
    throw cause;
  }
}

/** @throws PushforwardError `usage` for what is no state, `file-unreadable` for an array that cannot be read */
async function firstState(start: string, seed: number, shape: Shape): Promise<Float32Array> {
  if (start === "zero") return new Float32Array(sizeOf(shape));
  if (start === "random") return gaussianArray(createRng(seed, "state"), sizeOf(shape));
  if (isArrayFile(start)) return readNpy(await readBytes(start), start).data;
  throw new PushforwardError("usage", {
    what: `"${start}" is not a first state.`,
    where: { option: "--start" },
    fix: "Give random, zero, or the .npy file of an array.",
  });
}
