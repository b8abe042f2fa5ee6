import { signal } from "@preact/signals";
import { PushforwardError, sizeOf } from "../../../../base/index.ts";
import type { UnitNumbers } from "../../../../figures/index.ts";
import { openRun, type Run, type Store, type UnitPlace } from "../../../../results/index.ts";
import { displaySettings } from "../../../report/collect.ts";
import { baseName } from "../../../report/prose.ts";
import { commandOf } from "../../../report/provenance.ts";
import { pixelsOf } from "../pixels.ts";
import { storedSpectra } from "../stored-spectra.ts";
import { type PictureFacts, type Subject, spectrumKey, type TapFacts } from "../subject.ts";

/** A stored run that other programs may still write. */
export interface OpenedRun {
  readonly subject: Subject;
  /**
   * Reads units that are stored since the run was opened.
   *
   * @returns false if one is of a picture that was not stored yet: then the run has to be opened again
   */
  take(units: readonly UnitPlace[]): Promise<boolean>;
}

/**
 * A stored run as the page looks at it, with the name of its place: its spectra and vectors. The network is not there, so no step is answered.
 *
 * @throws PushforwardError what the store throws; `store-mismatch` if it is no run
 */
export async function openStoredRun(store: Store, place: string): Promise<OpenedRun> {
  const run = await openRun(store);
  const { manifest } = run;
  const usable = [...manifest.inputs.keys()].filter((i) => manifest.inputs[i]!.failed === undefined);
  if (usable.length === 0) {
    throw new PushforwardError("store-mismatch", {
      what: "The run has no picture that could be used.",
      where: { file: store.location },
      fix: "Give another run.",
    });
  }
  const { from } = manifest;
  const source: TapFacts = { name: from.name, op: "Input", shape: from.shape, cut: true };
  const pictures: PictureFacts[] = [];
  const unseen = new Set<number>();
  for (const [picture, i] of usable.entries()) {
    const x = await run.readSource(i);
    if (x === undefined) unseen.add(picture);
    pictures.push(pictureOf(run, i, x ?? new Float32Array(sizeOf(from.shape))));
  }
  const indices = new Map<string, readonly number[]>();
  const spectrumAt = async (picture: number, t: number) => {
    const unit = await run.readUnit(usable[picture]!, t, { vectors: false });
    if (unit === undefined) return [];
    const { name: tap } = manifest.taps[t]!;
    indices.set(spectrumKey(picture, tap), storedIndices(unit.k, manifest.vectors));
    return [{ tap, unit }];
  };
  const stored = storedSpectra(async (picture) => {
    const found: { readonly tap: string; readonly unit: UnitNumbers }[] = [];
    for (const t of manifest.taps.keys()) found.push(...(await spectrumAt(picture, t)));
    return found;
  });
  const take = async (units: readonly UnitPlace[]): Promise<boolean> => {
    for (const { input, tap } of units) {
      const picture = usable.indexOf(input);
      if (picture < 0 || unseen.has(picture)) return false;
      await stored.look(picture);
      const isKnown = stored.spectra.peek().has(spectrumKey(picture, manifest.taps[tap]!.name));
      if (!isKnown) stored.add(picture, await spectrumAt(picture, tap));
    }
    return true;
  };
  const subject: Subject = {
    network: {
      name: baseName(manifest.model.file),
      taps: manifest.taps,
      source,
      output: manifest.taps.at(-1)!,
      unit: manifest.preprocess.unit,
    },
    classes: [],
    isRun: true,
    place,
    command: commandOf(manifest),
    pictures,
    unusable: manifest.inputs.flatMap(({ name, failed }) => (failed === undefined ? [] : [{ name, why: failed }])),
    ...stored,
    firstSigma: (picture, tap) => stored.spectra.value.get(spectrumKey(picture, tap))?.sigma[0],
    smallestSteps: signal(new Map()),
    vectorsAt: (picture, tap) => indices.get(spectrumKey(picture, tap)) ?? [],
    async direction(picture, choice) {
      if (choice === "random") throw notThere("A random direction");
      const t = manifest.taps.findIndex(({ name }) => name === choice.tap);
      const unit = await run.readUnit(usable[picture]!, t, { vectors: [choice.index] });
      if (unit === undefined || unit.vectors.index.length === 0) throw notThere(`v of σ number ${choice.index + 1}`);
      return {
        choice,
        sigma: unit.sigma[choice.index]!,
        v: unit.vectors.v,
        shape: from.shape,
        epsilons: new Float64Array([0]),
        frames: signal([undefined]),
        async want() {},
        leave() {},
      };
    },
    async report() {
      await run.refresh();
      return run;
    },
    movement: signal(undefined),
    followPictures() {
      throw notThere("The way of the pictures");
    },
  };
  return { subject, take };
}

const notThere = (what: string): PushforwardError =>
  new PushforwardError("usage", {
    what: `${what} is not stored with this run.`,
    fix: "Open its network and pictures to compute it.",
  });

function storedIndices(k: number, kept: number | "all"): number[] {
  return Array.from({ length: k }, (_, index) => index).filter(
    (index) => kept === "all" || index < kept || index >= k - kept,
  );
}

function pictureOf(run: Run, i: number, x: Float32Array): PictureFacts {
  const { from, preprocess, inputs } = run.manifest;
  const { name, label, predicted, isRight } = inputs[i]!;
  return {
    name,
    ...(label === undefined ? {} : { label }),
    ...(isRight === undefined ? {} : { isRight }),
    ...(predicted === undefined ? {} : { predicted }),
    pixels: pixelsOf(x, from.shape, displaySettings(preprocess.settings)),
  };
}
