/** Milliseconds of one job over the rounds. */
export interface Timing {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Times jobs in turn, so that a slow moment of the machine meets all of them; the first round only warms up. */
export async function interleaved<Name extends string>(
  jobs: Readonly<Record<Name, () => Promise<unknown>>>,
  rounds: number,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(jobs) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const started = performance.now();
      await jobs[name]();
      if (round > 0) times.get(name)!.push(performance.now() - started);
    }
  }
  const summarize = (all: readonly number[]): Timing => {
    return { median: median(all), least: Math.min(...all), most: Math.max(...all) };
  };
  return Object.fromEntries(names.map((name) => [name, summarize(times.get(name)!)])) as Record<Name, Timing>;
}

/** The middle one, or the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** The same times in another unit: per vector, say. */
export const scaled = ({ median, least, most }: Timing, factor: number): Timing => ({
  median: median * factor,
  least: least * factor,
  most: most * factor,
});
