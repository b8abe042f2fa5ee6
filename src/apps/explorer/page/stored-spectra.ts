import { signal } from "@preact/signals";
import type { UnitNumbers } from "../../../figures/index.ts";
import { type Subject, spectrumKey } from "./subject.ts";

/** Spectra that are stored, and are read when their picture is looked at: once, however often that is asked. A failed reading is tried again. */
export function storedSpectra(
  read: (picture: number) => Promise<readonly { readonly tap: string; readonly unit: UnitNumbers }[]>,
): Required<Pick<Subject, "spectra" | "look" | "readingOf">> {
  const spectra = signal<ReadonlyMap<string, UnitNumbers>>(new Map());
  const readings = new Map<number, Promise<void>>();
  const finished = signal<ReadonlySet<number>>(new Set());
  const failed = signal<ReadonlySet<number>>(new Set());
  const begin = async (picture: number): Promise<void> => {
    const found = await read(picture);
    const added = found.map(({ tap, unit }) => [spectrumKey(picture, tap), unit] as const);
    spectra.value = new Map([...spectra.value, ...added]);
    finished.value = new Set([...finished.value, picture]);
  };
  return {
    spectra,
    look(picture) {
      const begun = readings.get(picture);
      if (begun !== undefined) return begun;
      const reading = begin(picture);
      readings.set(picture, reading);
      failed.value = without(failed.peek(), picture);
      reading.catch(() => {
        readings.delete(picture);
        failed.value = new Set([...failed.peek(), picture]);
      });
      return reading;
    },
    readingOf: (picture) =>
      finished.value.has(picture) ? "finished" : failed.value.has(picture) ? "failed" : "unfinished",
  };
}

const without = (numbers: ReadonlySet<number>, one: number) => new Set([...numbers].filter((number) => number !== one));
