import { signal } from "@preact/signals";
import { PushforwardError, sizeOf } from "../../../../base/index.ts";
import type { UnitNumbers } from "../../../../figures/index.ts";
import { openRun, type Run, type Store } from "../../../../results/index.ts";
import { displaySettings } from "../../../report/collect.ts";
import { baseName } from "../../../report/prose.ts";
import { commandOf } from "../../../report/provenance.ts";
import { pixelsOf } from "../pixels.ts";
import { type PictureFacts, type Subject, spectrumKey, type TapFacts } from "../subject.ts";

/**
 * A stored run as the page looks at it, with the name of its place: its spectra and vectors. The network is not there, so no step is answered.
 *
 * @throws PushforwardError what the store throws; `store-mismatch` if it is no run
 */
export async function openStoredRun(store: Store, place: string): Promise<Subject> {
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
  for (const i of usable) pictures.push(await pictureOf(run, i));
  const spectra = signal<ReadonlyMap<string, UnitNumbers>>(new Map());
  const stored = new Map<string, readonly number[]>();
  return {
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
    spectra,
    firstSigma: (picture, tap) => spectra.value.get(spectrumKey(picture, tap))?.sigma[0],
    smallestSteps: signal(new Map()),
    async look(picture) {
      if (stored.has(spectrumKey(picture, manifest.taps[0]!.name))) return;
      const found = new Map(spectra.value);
      for (const [t, { name }] of manifest.taps.entries()) {
        const unit = await run.readUnit(usable[picture]!, t, { vectors: false });
        const key = spectrumKey(picture, name);
        stored.set(key, unit === undefined ? [] : storedIndices(unit.k, manifest.vectors));
        if (unit !== undefined) found.set(key, unit);
      }
      spectra.value = found;
    },
    vectorsAt: (picture, tap) => stored.get(spectrumKey(picture, tap)) ?? [],
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
    report: async () => run,
    movement: signal(undefined),
    followPictures() {
      throw notThere("The way of the pictures");
    },
  };
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

async function pictureOf(run: Run, i: number): Promise<PictureFacts> {
  const { from, preprocess, inputs } = run.manifest;
  const { name, label, predicted, isRight } = inputs[i]!;
  const x = (await run.readSource(i)) ?? new Float32Array(sizeOf(from.shape));
  return {
    name,
    ...(label === undefined ? {} : { label }),
    ...(isRight === undefined ? {} : { isRight }),
    ...(predicted === undefined ? {} : { predicted }),
    pixels: pixelsOf(x, from.shape, displaySettings(preprocess.settings)),
  };
}
