import { formatCount, plural } from "../base/index.ts";
import { type KinkCount, kinksOf } from "../results/index.ts";

/** A unit of a run: the name of its input, and the kinks of all nodes up to its tap. */
export interface KinkedUnit {
  readonly input: string;
  /** Absent where an earlier version computed the unit, without counting them. */
  readonly kinks?: readonly KinkCount[] | undefined;
}

const countOf = (unit: KinkedUnit): number => (kinksOf(unit, "neurons") ?? 0) + (kinksOf(unit, "windows") ?? 0);

/** `43,919 tied pool windows (pool1 32,000, pool3 11,919) and 12 neurons at a kink (relu1 12)`. */
function inWords(kinks: readonly KinkCount[]): string {
  const told = (kind: "neurons" | "windows", name: (count: number) => string): string[] => {
    const places = kinks.filter((count) => count[kind] > 0);
    const list = places.map((count) => `${count.tap} ${formatCount(count[kind])}`).join(", ");
    return places.length > 0 ? [`${name(kinksOf({ kinks }, kind) ?? 0)} (${list})`] : [];
  };
  return [
    ...told("windows", (count) => plural(count, "tied pool window")),
    ...told("neurons", (count) => `${plural(count, "neuron")} at a kink`),
  ].join(" and ");
}

/**
 * Sentences on how much of J is a convention, over all units of a run; `undefined` where no unit is known to be at a kink.
 *
 * A unit counts the kinks of all nodes up to its tap, so the last taps tell of the earlier ones too.
 */
export function kinkSentence(units: readonly KinkedUnit[]): string | undefined {
  const inputsOf = (some: readonly KinkedUnit[]): number => new Set(some.map(({ input }) => input)).size;
  const kinked = units.filter((unit) => countOf(unit) > 0);
  if (kinked.length === 0) return undefined;
  const most = kinked.reduce((a, b) => (countOf(b) > countOf(a) ? b : a));
  const counted = inputsOf(units.filter(({ kinks }) => kinks !== undefined));
  const uncounted = inputsOf(units) - counted;
  return (
    `At ${inputsOf(kinked)} of ${plural(counted, "input")} the network has kinks, where it has no derivative and a part of J is a convention ` +
    `(the first of equal entries is taken, ReLU′ is 0 at 0): at most ${inWords(most.kinks ?? [])}, at ${most.input}.` +
    (uncounted > 0 ? ` They were not counted at ${plural(uncounted, "input")} that an earlier version computed.` : "")
  );
}
