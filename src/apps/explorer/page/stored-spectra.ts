import { signal } from "@preact/signals";
import type { UnitNumbers } from "../../../figures/index.ts";
import { type Subject, spectrumKey } from "./subject.ts";

interface FoundSpectrum {
  readonly tap: string;
  readonly unit: UnitNumbers;
}

interface StoredSpectra extends Required<Pick<Subject, "spectra" | "look" | "readingOf">> {
  /** Adds spectra of a picture that were stored after it was read. */
  add(picture: number, found: readonly FoundSpectrum[]): void;
}

/** Spectra that are stored, and are read when their picture is looked at: once, however often that is asked. A failed reading is tried again. */
export function storedSpectra(read: (picture: number) => Promise<readonly FoundSpectrum[]>): StoredSpectra {
  const spectra = signal<ReadonlyMap<string, UnitNumbers>>(new Map());
  const readings = new Map<number, Promise<void>>();
  const ends = signal<ReadonlyMap<number, "finished" | "failed">>(new Map());
  const end = (picture: number, how: "finished" | "failed") => {
    ends.value = new Map([...ends.peek(), [picture, how]]);
  };
  const add = (picture: number, found: readonly FoundSpectrum[]) => {
    const added = found.map(({ tap, unit }) => [spectrumKey(picture, tap), unit] as const);
    spectra.value = new Map([...spectra.peek(), ...added]);
  };
  const begin = async (picture: number): Promise<void> => {
    add(picture, await read(picture));
    end(picture, "finished");
  };
  return {
    spectra,
    add,
    look(picture) {
      const begun = readings.get(picture);
      if (begun !== undefined) return begun;
      const reading = begin(picture);
      readings.set(picture, reading);
      ends.value = new Map([...ends.peek()].filter(([of]) => of !== picture));
      reading.catch(() => {
        readings.delete(picture);
        end(picture, "failed");
      });
      return reading;
    },
    readingOf: (picture) => ends.value.get(picture) ?? "unfinished",
  };
}
