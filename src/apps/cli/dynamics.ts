import { basename, join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { type CheckpointScore, MemoryStore } from "../../results/index.ts";
import { type Checkpoint, reasonOf } from "../../studies/index.ts";
import { type Network, type OpenModelOptions, openControl, openModel } from "../node/index.ts";
import { type CheckpointFiles, findCheckpoints, UNKNOWN } from "./checkpoint-files.ts";
import { type AskedControl, drawsOf } from "./control-options.ts";
import { tellFirstLook } from "./first-look.ts";
import { type LaboratoryOptions, planStudies, usable } from "./laboratory.ts";
import { measureStudy } from "./measure-study.ts";
import { openOptions } from "./opening.ts";
import { prepare, type Subject, subjectOf } from "./prepare.ts";
import {
  labFor,
  type PlannedStudy,
  type Setting,
  type StoredWork,
  sharedSpectraIn,
  storedWork,
  studyManifest,
} from "./studied-network.ts";
import { announceStudies } from "./study-outlook.ts";

/** The options of `LaboratoryOptions`, and whether the user chose the taps. */
export interface DynamicsOptions extends LaboratoryOptions {
  readonly hasTaps: boolean;
}

/** The weights of a control, drawn from those of each checkpoint. */
type Drawn = { readonly kind: Exclude<AskedControl["kind"], "initial">; readonly draw: number };

/**
 * Runs a study of the networks of a training, and then of their controls: of each checkpoint, a network with its weights in another order,
 * or otherwise without what was learned. A checkpoint that does not open is reported, and the others are measured.
 *
 * @returns how many cells are left to the other shards
 * @throws PushforwardError `usage` for the control `initial`; errors of `findCheckpoints`, `prepare`, `storedWork` and `measureStudy`
 */
export async function runDynamics(
  version: string,
  folder: string,
  paths: readonly string[],
  options: DynamicsOptions,
  asked: Pick<PlannedStudy, "study" | "params">,
): Promise<number> {
  const kinds = options.control.map(drawnKind);
  const found = await findCheckpoints(folder);
  try {
    return await measureTrainings(version, { folder, found, paths, kinds }, options, asked);
  } finally {
    await found.dispose();
  }
}

/** The checkpoints to measure, the inputs to measure them at, and the kinds of controls. */
interface Trainings {
  readonly folder: string;
  readonly found: CheckpointFiles;
  readonly paths: readonly string[];
  readonly kinds: readonly Drawn["kind"][];
}

async function measureTrainings(
  version: string,
  { folder, found, paths, kinds }: Trainings,
  options: DynamicsOptions,
  asked: Pick<PlannedStudy, "study" | "params">,
): Promise<number> {
  const draws = drawsOf(options);
  const opening = await openOptions(options);
  const taps = options.hasTaps ? options.taps : "cuts";
  const prepared = await prepare(() => lastThatOpens(found, opening), paths, { ...options, taps });
  const { network, inputs, classes, names, scale, firstLook } = prepared;
  const { out, shard } = options;
  try {
    const { records, points } = usable(inputs);
    const setting: Setting = { run: { ...options, version }, shard, points, classes, names, scale };
    const subject: Subject = {
      ...subjectOf(prepared),
      taps: options.hasTaps ? prepared.taps : beforeSoftmax(prepared.taps),
      model: { file: folder, sha256: found.sha256 },
      inputs: { records: records.map(({ predicted: _, isRight: __, ...record }) => record) },
    };
    const works = [
      { subject, folder: out, drawn: undefined },
      ...Array.from({ length: kinds.length === 0 ? 0 : draws }, (_, i) => i + 1).flatMap((draw) =>
        kinds.map((kind) => ({
          subject: { ...subject, model: { ...subject.model, control: { kind, seed: options.seed, draw } } },
          folder: join(out, "controls", kind, String(draw)),
          drawn: { kind, draw },
        })),
      ),
    ];
    const labOf = (work: (typeof works)[number]) =>
      labFor(network, work.subject, sharedSpectraIn(work.folder), setting, {
        checkpoints: {
          trainings: found.trainings,
          steps: found.steps,
          open: async (training, step) => {
            const file = found.files[training]![step]!;
            const opened = await openCheckpoint(file, { drawn: work.drawn, opening, setting });
            const score = work.drawn === undefined ? found.scores[training]![step]! : UNKNOWN;
            return checkpointOf(opened, score, work.subject, setting);
          },
        },
      });
    const lab = labOf(works[0]!);
    tellFirstLook(firstLook);
    const planned = await planStudies(lab, [asked], false);
    const stored: StoredWork[] = [];
    for (const work of works) stored.push(await storedWork(work.subject, planned, work.folder, setting));
    await announceStudies(lab, planned, { out, stored, shard });
    await network.forget(); // Each checkpoint compiles graphs of its own.
    let left = 0;
    for (const work of works) {
      const { folder, drawn } = work;
      const control = drawn && `${drawn.kind} ${drawn.draw}/${draws}`;
      const [one] = planned;
      const manifest = studyManifest(work.subject, one!, setting);
      left += await measureStudy(one!.study, labOf(work), manifest, { folder, shard, control });
    }
    if (inputs.failures.length > 0) process.exitCode = 2;
    return left;
  } finally {
    await network.close();
  }
}

/** @throws PushforwardError `usage` for the network before training, which is the first checkpoint */
function drawnKind({ kind }: AskedControl): Drawn["kind"] {
  if (kind !== "initial") return kind;
  throw new PushforwardError("usage", {
    what: "The control initial is the network before its training, and here that is the checkpoint of step 0.",
    where: { option: "--control" },
    fix: "Put its file into the folder of the checkpoints, and leave out this control.",
  });
}

/** The last checkpoint that opens. @throws PushforwardError that of the last one if none opens */
async function lastThatOpens({ files }: CheckpointFiles, opening: OpenModelOptions): Promise<Network> {
  let error: unknown;
  for (const file of files.flatMap((own) => [...own].reverse())) {
    try {
      return await openModel(file, opening);
    } catch (cause) {
      if (!(cause instanceof PushforwardError)) throw cause;
      error ??= cause;
    }
  }
  throw error;
}

/** The taps before the softmax at the end, behind which the scale of the scores decides: all taps, if there is none. */
function beforeSoftmax(taps: Subject["taps"]): Subject["taps"] {
  const end = taps.findIndex(({ op }) => op === "Softmax" || op === "LogSoftmax");
  return end > 0 ? taps.slice(0, end) : taps;
}

/** Opens a checkpoint, or a control drawn from it. @throws PushforwardError `model-invalid`, whatever the reason: the others can be used */
async function openCheckpoint(
  file: string,
  { drawn, opening, setting }: { drawn: Drawn | undefined; opening: OpenModelOptions; setting: Setting },
): Promise<Network> {
  try {
    const network = await openModel(file, opening);
    if (drawn === undefined) return network;
    try {
      return await openControl(network, { ...opening, ...drawn, seed: setting.run.seed, points: setting.points });
    } finally {
      await network.close();
    }
  } catch (cause) {
    throw new PushforwardError("model-invalid", {
      what: `The checkpoint ${basename(file)} cannot be used: ${reasonOf(cause)}`,
      where: { file },
      cause,
    });
  }
}

function checkpointOf(
  network: Network,
  { accuracy, loss, memorised }: CheckpointScore,
  subject: Subject,
  setting: Setting,
): Checkpoint {
  const own: Subject = {
    ...subject,
    from: network.tap(subject.from.name),
    taps: subject.taps.map(({ name }) => network.tap(name)),
  };
  return {
    lab: () => labFor(network, own, new MemoryStore(), setting),
    heldOut: { accuracy, loss },
    memorised,
    close: () => network.close(),
  };
}
