import { plural } from "../../../../base/index.ts";
import { subject, tap } from "../state.ts";
import { spectrumKey } from "../subject.ts";
import { busy, say, share } from "./work.ts";

/** Finds the smallest step that changes the class at every picture whose spectrum at the tap is known. */
export function findSmallestSteps(): Promise<void> {
  const work = async (signal: AbortSignal): Promise<string> => {
    const shown = subject.value!;
    const at = tap.value;
    const known = shown.pictures.map((_, i) => i).filter((i) => shown.spectra.value.has(spectrumKey(i, at)));
    for (const [done, i] of known.entries()) {
      share.value = done / known.length;
      say(`Looking for the smallest step at ${shown.pictures[i]!.name}: ${done + 1} of ${known.length}.`);
      await shown.findSmallestStep!(i, at, signal);
    }
    const missing = shown.pictures.length - known.length;
    const rest = missing === 0 ? "" : ` For ${plural(missing, "picture")} the spectrum of ${at} is not computed yet.`;
    return `The smallest steps at ${plural(known.length, "picture")} are in the table.${rest}`;
  };
  return busy("Looking for the smallest steps.", work, { givesWay: true });
}
