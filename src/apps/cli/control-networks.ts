import { join } from "node:path";
import { formatShape, PushforwardError } from "../../base/index.ts";
import { weightLayers } from "../../controls/index.ts";
import type { Tap } from "../../jacobian/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { type Network, type OpenModelOptions, openControl, openModel } from "../node/index.ts";
import type { AskedControl } from "./control-options.ts";
import type { Subject } from "./prepare.ts";

/** One network that a command compares with the trained one. */
export interface PlannedControl {
  readonly kind: AskedControl["kind"];
  /** `matched 3/6`, or `initial`. */
  readonly name: string;
  /** The folder of its results. */
  readonly folder: string;
  /** What its runs are of; its inputs have no predicted classes, which only the open network gives. */
  readonly subject: Subject;
  /** Draws it, or reads its file; the caller closes it. */
  open(): Promise<OpenControl>;
}

interface OpenControl {
  readonly network: Network;
  /** The content of `control.json`: how the network was made, and the hash of its file. */
  readonly record: { readonly sha256: string };
}

interface ControlsOf {
  readonly trained: Network;
  readonly subject: Subject;
  readonly points: readonly Float32Array[];
  readonly seed: number;
  readonly draws: number;
  /** The folder of the command. */
  readonly out: string;
  readonly opening: OpenModelOptions;
}

/**
 * The controls of a command in the order of the work: draw by draw, so that an interrupted command has whole draws of every kind.
 *
 * @throws PushforwardError `usage` if the network has no weights to draw, or if the file of the network before its training does not
 * have the graph of the trained network; errors of `weightLayers` and `openModel`
 */
export async function plannedControls(
  asked: readonly AskedControl[],
  { trained, subject, points, seed, draws, out, opening }: ControlsOf,
): Promise<PlannedControl[]> {
  if (asked.some(({ kind }) => kind !== "initial")) requireWeights(trained);
  const records = subject.inputs.records.map(({ predicted: _, isRight: __, ...record }) => record);
  const unpredicted: Subject = { ...subject, inputs: { records } };
  const planned: PlannedControl[] = [];
  for (const draw of Array.from({ length: draws }, (_, i) => i + 1)) {
    for (const control of asked) {
      const folder = join(out, "controls", control.kind, String(draw));
      if (control.kind !== "initial") {
        const { kind } = control;
        planned.push({
          kind,
          name: `${kind} ${draw}/${draws}`,
          folder,
          subject: { ...unpredicted, model: { ...subject.model, control: { kind, seed, draw } } },
          async open() {
            const network = await openControl(trained, { ...opening, kind, seed, draw, points });
            const { layers, ...how } = network.control;
            return { network, record: { ...how, sha256: network.identity.sha256, layers } };
          },
        });
      } else if (draw === 1) {
        const { file } = control;
        const initial = await initialSubject(file, trained, unpredicted, opening);
        planned.push({
          kind: "initial",
          name: "initial",
          folder,
          subject: initial,
          open: async () => ({
            network: await openModel(file, opening),
            record: { kind: "initial", file, sha256: initial.model.sha256 },
          }),
        });
      }
    }
  }
  return planned;
}

/** @throws PushforwardError as `plannedControls`, with the file: no draw could be made, so that none is tried */
function requireWeights({ model, file }: Network): void {
  let count: number;
  try {
    count = weightLayers(model).length;
  } catch (cause) {
    throw cause instanceof PushforwardError ? cause.at({ file, option: "--control" }) : cause;
  }
  if (count > 0) return;
  throw new PushforwardError("usage", {
    what: "The network has no weights to draw: no node multiplies by a constant matrix or by constant filters.",
    where: { file, option: "--control" },
    fix: "Leave out --control.",
  });
}

/** What the runs of the network before its training are of: its own tensors at the taps of the trained network. */
async function initialSubject(
  file: string,
  trained: Network,
  subject: Subject,
  opening: OpenModelOptions,
): Promise<Subject> {
  const initial = await openModel(file, opening);
  try {
    requireSameGraph(initial, trained);
    return {
      ...subject,
      model: { file, ...initial.identity, control: { kind: "initial" } },
      from: initial.tap(subject.from.name),
      taps: subject.taps.map(({ name }) => initial.tap(name)),
    };
  } finally {
    await initial.close();
  }
}

function requireSameGraph(initial: Network, trained: Network): void {
  const where = { file: initial.file, option: "--control" };
  if (initial.identity.sha256 === trained.identity.sha256) {
    throw new PushforwardError("usage", {
      what: "The network before its training is the trained network itself.",
      where,
      fix: "Give the file with the weights from which the training started.",
    });
  }
  const most = Math.max(initial.taps.length, trained.taps.length);
  const at = Array.from({ length: most }, (_, i) => i).find(
    (i) => describe(initial.taps[i]) !== describe(trained.taps[i]),
  );
  if (at === undefined) return;
  throw new PushforwardError("usage", {
    what:
      `The graph of the network before its training differs from that of ${trained.file}: ` +
      `its tap ${at + 1} is ${describe(initial.taps[at])}, and that of the trained network is ${describe(trained.taps[at])}.`,
    where,
    fix: "Export both networks in the same way. `pushforward inspect` lists the taps of each.",
  });
}

/** `conv1 (Conv, 8×28×28)` */
const describe = (tap: Tap | undefined): string =>
  tap === undefined ? "missing" : `${tap.name} (${tap.op}, ${formatShape(tap.shape)})`;

/**
 * Stores how a control was made in `control.json` of its folder.
 *
 * @throws PushforwardError `store-mismatch` if the folder is that of a network with other weights
 */
export async function storeRecord(folder: string, record: OpenControl["record"]): Promise<void> {
  const store = new DirectoryStore(folder);
  const earlier = new TextDecoder().decode(await store.get(RECORD));
  const [, sha256 = record.sha256] = /"sha256": "([0-9a-f]{64})"/.exec(earlier) ?? [];
  if (sha256 !== record.sha256) {
    throw new PushforwardError("store-mismatch", {
      what: "This folder contains the results of a control with other weights than those that this command draws.",
      where: { file: folder },
      fix: "Give another folder with --out, or remove this one, so that the control is measured again.",
    });
  }
  await store.set(RECORD, new TextEncoder().encode(`${JSON.stringify(record, undefined, 2)}\n`));
}

const RECORD = "/control.json";
