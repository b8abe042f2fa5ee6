import { batch, effect, signal } from "@preact/signals";
import { formatSeconds, PushforwardError, plural } from "../../../../base/index.ts";
import type { GivenFile } from "../../engine/index.ts";
import { chooseTap, isDrawn, picture, show, subject, tap } from "../state.ts";
import { spectrumKey } from "../subject.ts";
import { engine, restartEngine } from "./engine.ts";
import { exampleNetwork, examplePictures } from "./example-files.ts";
import { Session } from "./session.ts";
import { busy, say, share } from "./work.ts";

/** The network in the engine; undefined while only the stored example is shown. */
export const session = signal<Session | undefined>(undefined);
/** How many triplets each spectrum has. */
export const count = signal(20);

// A stored run takes the place of the network.
effect(() => {
  if (subject.value?.isRun) session.value = undefined;
});

/** What the user gave, so that either may be given first. */
const given: { network?: readonly GivenFile[]; pictures: readonly GivenFile[] } = { pictures: [] };

/** These are the pictures for the network that is opened next. */
export function usePictures(files: readonly GivenFile[]): void {
  given.pictures = files;
}

/** Opens a network, with the pictures that were given before. */
export function openNetwork(files: readonly GivenFile[]): Promise<void> {
  return busy(`Opening ${files[0]?.name ?? "the network"}.`, async (signal) => {
    const opened = await open(files, signal);
    given.network = files;
    session.value = opened;
    if (given.pictures.length > 0) {
      await opened.add(given.pictures, say, signal);
      return showPictures(opened);
    }
    return summaryOf(opened);
  });
}

/** Adds pictures to the network that is open, or to the example's. */
export function addPictures(files: readonly GivenFile[]): Promise<void> {
  return busy("Reading pictures.", async (signal) => {
    const opened = session.value ?? (await open(given.network ?? (await exampleNetwork()), signal));
    await opened.add(files, say, signal);
    given.pictures = [...given.pictures, ...files];
    session.value = opened;
    return showPictures(opened);
  });
}

/** Prepares all pictures again, by a preset. */
export function prepareBy(preset: string): Promise<void> {
  return busy(`Preparing the pictures by ${preset}.`, async () => {
    const opened = session.value!;
    await opened.prepareBy(preset);
    return opened.pictures.value.length === 0 ? `Pictures will be prepared by ${preset}.` : showPictures(opened);
  });
}

const open = (files: readonly GivenFile[], signal: AbortSignal): Promise<Session> =>
  Session.open(engine(), files, signal);

function showPictures(opened: Session): string {
  const { pictures, failed } = opened;
  if (pictures.value.length === 0) {
    const [first] = failed.value;
    const why = first === undefined ? "" : ` ${first.name}: ${first.failed!.what}`;
    throw new PushforwardError("image-undecodable", {
      what: first === undefined ? "There was no picture among the files." : `No picture can be used.${why}`,
      fix: first?.failed?.fix ?? "Give PNG, JPEG or WebP files, or .npy arrays.",
    });
  }
  show(opened.subject());
  return summaryOf(opened);
}

function summaryOf({ description, pictures, failed, answer }: Session): string {
  if (pictures.value.length === 0) {
    const inputs = description.inputs.map(({ name, shape }) => `${name} ${shape.join("×")}`).join(", ");
    const notes = description.notes.map((note) => ` ${note}`).join("");
    return `${description.file} is open: input ${inputs}, ${plural(description.taps.length, "tap")}.${notes} Now give pictures; until then the page shows what it showed before.`;
  }
  const { accuracy } = answer.value!;
  const [count, rest] = [pictures.value.length, failed.value.length];
  const unusable = rest === 0 ? "" : `; ${plural(rest, "file")} cannot be used (see below the table)`;
  const right = accuracy === undefined ? "" : `, ${accuracy.right} of ${accuracy.of} classified correctly`;
  return `${description.file} with ${plural(count, "picture")}${right}${unusable}. Press Compute for their spectra.`;
}

/** Computes the spectra that are drawn and not known yet: first the tap and the picture that are looked at. */
export function compute(): Promise<void> {
  const work = async (signal: AbortSignal): Promise<string> => {
    const opened = session.value ?? (await openGiven(signal));
    if (opened.pictures.value.length === 0) return summaryOf(opened);
    const units = unitsToCompute(opened);
    const started = performance.now();
    for (const [i, { at, to }] of units.entries()) {
      const seconds = ((performance.now() - started) / 1000 / i) * (units.length - i);
      const left = i === 0 ? "" : `, about ${formatSeconds(seconds)} left`;
      const text = `Computing ${to} at ${opened.pictures.value[at]!.name}: ${i + 1} of ${units.length}${left}.`;
      share.value = i / units.length;
      say(text);
      const told = (sigma: Float64Array) => say(`${text} So far σ₁ ≥ ${sigma[0]?.toPrecision(4) ?? 0}.`);
      await opened.compute(at, to, count.value, { signal, told });
    }
    const seconds = (performance.now() - started) / 1000;
    const spectra = units.length === 1 ? "1 spectrum" : `${units.length} spectra`;
    return `${spectra} in ${formatSeconds(seconds)}, each σ with its residual.`;
  };
  return busy("Starting the engine.", work, { givesWay: true });
}

/** Has changes begin at another tap: the spectra from there are shown, as far as they are known. */
export function chooseSource(name: string): Promise<void> {
  return busy("Opening the network.", async (signal) => {
    const opened = session.value ?? (await openGiven(signal));
    if (opened.pictures.value.length === 0) return summaryOf(opened);
    const [at, to] = [picture.value, tap.value];
    opened.chooseSource(name);
    const next = opened.subject();
    batch(() => {
      show(next);
      picture.value = at;
      if (next.network.taps.some((other) => other.name === to)) chooseTap(to);
    });
    return `Changes begin at ${name} now. Press Compute for the spectra of J(${name} → tap).`;
  });
}

function unitsToCompute(opened: Session): { readonly at: number; readonly to: string }[] {
  const { network, pictures } = opened.subject();
  const spectra = opened.spectra.value;
  const [firstTap, firstPicture] = [tap.value, picture.value];
  const names = network.taps.map(({ name }) => name).filter(isDrawn);
  const taps = names.sort((a, b) => Number(b === firstTap) - Number(a === firstTap));
  const places = pictures.map((_, i) => i).sort((a, b) => Number(b === firstPicture) - Number(a === firstPicture));
  const isKnown = (at: number, to: string) => (spectra.get(spectrumKey(at, to))?.asked ?? 0) >= count.value;
  return places.flatMap((at) => taps.flatMap((to) => (isKnown(at, to) ? [] : [{ at, to }])));
}

/** Starts the engine again, after it was lost or had too little memory, and opens in it what was open. */
export function reopen(): Promise<void> {
  return busy("Starting the engine.", async (signal) => {
    restartEngine();
    say("Opening the network again.");
    const opened = session.value ?? (await openGiven(signal));
    await opened.reopen();
    return summaryOf(opened);
  });
}

/** Opens the network in the engine, with its pictures, where only what was computed beforehand is shown. */
export function runHere(): Promise<void> {
  return busy("Opening the network.", async (signal) => summaryOf(session.value ?? (await openGiven(signal))));
}

/** The network that was given, or the example's, at the picture and tap that are looked at. */
async function openGiven(signal: AbortSignal): Promise<Session> {
  const opened = await open(given.network ?? (await exampleNetwork()), signal);
  const isExample = given.network === undefined && given.pictures.length === 0;
  const names = subject.value?.pictures.map(({ name }) => name) ?? [];
  const pictures = isExample ? await examplePictures(names) : given.pictures;
  if (pictures.length > 0) await opened.add(pictures, say, signal);
  session.value = opened;
  if (opened.pictures.value.length === 0) return opened;
  const [at, to] = [picture.value, tap.value];
  batch(() => {
    show(opened.subject());
    picture.value = Math.min(at, opened.pictures.value.length - 1);
    chooseTap(to);
  });
  return opened;
}
