import { resolve } from "node:path";
import { formatShape, PushforwardError, type Shape, sameShape } from "../../base/index.ts";
import { levelScaleOfArrays } from "../../images/index.ts";
import { openGraph } from "../../jacobian/index.ts";
import { openDevice } from "../../platform/node/devices.ts";
import { MemoryStore } from "../../results/index.ts";
import { inferenceModel, type LabelledSet, outputShape, type Split } from "../../training/index.ts";
import { sha256Of } from "../node/model-identity.ts";
import { identityOfWeights } from "../node/training-data.ts";
import { examplesOfTraining, type FoundTraining, findEncoders, openEncoder } from "./encoder-trainings.ts";
import type { LaboratoryOptions } from "./laboratory.ts";
import { measureStudy } from "./measure-study.ts";
import type { Subject } from "./prepare.ts";
import { labFor, type PlannedStudy, type Setting, studyManifest } from "./studied-network.ts";

/** The options of a study of encoders. */
export interface FeaturesOptions extends LaboratoryOptions {
  /** The folder that paths in recipes are relative to. */
  readonly data?: string;
}

/**
 * Runs a study of encoders that were trained without labels, at the first of the examples that all of them hold out.
 *
 * @returns how many cells are left to the other shards
 * @throws PushforwardError `usage` for trainings with other held-out examples or codes of another shape than the first; errors of
 * `findEncoders`, `examplesOfTraining` and `measureStudy`
 */
export async function runFeatures(
  version: string,
  folder: string,
  options: FeaturesOptions,
  { study, params: asked }: Pick<PlannedStudy, "study" | "params">,
): Promise<number> {
  const found = await findEncoders(folder, String(asked.code));
  const data = resolve(options.data ?? ".");
  const { shard } = options;
  const splits = new Map<string, Promise<Split<LabelledSet["targets"]>>>();
  const splitOf = (one: FoundTraining) => {
    const key = JSON.stringify(one.training.recipe.data);
    const known = splits.get(key) ?? examplesOfTraining(one, data);
    splits.set(key, known);
    return known;
  };
  const [first] = found as [FoundTraining, ...FoundTraining[]];
  const { heldOut, heldOutIndices } = await splitOf(first);
  const params = {
    ...asked,
    configuration: found.map(({ configuration }) => configuration),
    family: found.map(({ family }) => family),
    seed: found.map(({ training }) => training.recipe.seed ?? 0),
    shape: first.network.input,
  };
  const backend = await openDevice({
    threads: options.threads,
    ...(options.device === undefined ? {} : { device: options.device }),
  });
  const network = await openGraph(inferenceModel(first.network, new Map()), backend);
  try {
    requireAlike(found, network.output.shape);
    const count = Math.min(Number(asked.images), heldOutIndices.length);
    const size = heldOut.inputs.length / heldOutIndices.length;
    const points = Array.from({ length: count }, (_, i) => heldOut.inputs.slice(i * size, (i + 1) * size));
    const records = points.map((point, i) => ({
      name: `example ${heldOutIndices[i]}`,
      file: "",
      sha256: sha256Of(new Uint8Array(point.buffer)),
      label: String(heldOut.targets.labels[i]),
    }));
    const setting: Setting = {
      ...{ run: { ...options, version }, shard },
      ...{ points, classes: [], names: [], scale: levelScaleOfArrays(points, network.input.shape) },
    };
    const subject: Subject = {
      model: { file: folder, sha256: await identityOf(found) },
      from: network.input,
      taps: [network.output],
      given: [],
      backend: backend.description,
      inputs: { records },
      preprocess: { name: "recipe", unit: "the network's own", settings: {} },
    };
    const lab = labFor(network, subject, new MemoryStore(), setting, {
      encoders: {
        names: found.map(({ name }) => name),
        open: async (training) => openEncoder(found[training]!, await splitOf(found[training]!)),
      },
    });
    const planned: PlannedStudy = { study, params, design: await study.design(lab, params) };
    return await measureStudy(study, lab, studyManifest(subject, planned, setting), { folder: options.out, shard });
  } finally {
    await network.close();
  }
}

/** What identifies the encoders: the hash of all weights at the ends of their trainings. */
async function identityOf(found: readonly FoundTraining[]): Promise<string> {
  const all: object[] = [];
  for (const { name, training } of found)
    all.push({ name, ...identityOfWeights(await training.weights(training.steps)) });
  return sha256Of(Buffer.from(JSON.stringify(all)));
}

/** @throws PushforwardError `usage` for an encoder that is measured at other examples, or whose code has another shape, than the first */
function requireAlike(found: readonly FoundTraining[], shape: Shape): void {
  const [first] = found as [FoundTraining, ...FoundTraining[]];
  for (const { name, training, network } of found) {
    const own = outputShape(network);
    const isSame = sameShape(own, shape);
    if (isSame && JSON.stringify(training.data.heldOut) === JSON.stringify(first.training.data.heldOut)) continue;
    throw new PushforwardError("usage", {
      what: isSame
        ? `The training ${name} holds out other examples than ${first.name}.`
        : `The code of ${name} is ${formatShape(own)}, and that of ${first.name} is ${formatShape(shape)}.`,
      fix: "Compare trainings with codes of one shape, and with the same data and the same seed of the data.",
    });
  }
}
