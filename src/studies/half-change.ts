/**
 * Places of steps on an axis of their logarithm to base 2. Step 0 stands one unit before the first positive step, so that the unit in which
 * steps are counted (steps or epochs) does not matter.
 */
export function logSteps(steps: readonly number[]): number[] {
  const first = steps.find((step) => step > 0) ?? 1;
  return steps.map((step) => Math.log2(step > 0 ? step : first / 2));
}

/**
 * The place at which a curve first has half of its change from its first value to its last, by linear interpolation; NaN if it does not
 * change. Values that are not finite are passed over.
 */
export function halfChange(places: readonly number[], values: readonly number[]): number {
  const known = values.flatMap((value, i) => (Number.isFinite(value) ? [{ at: places[i]!, value }] : []));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || first.value === last.value) return Number.NaN;
  /** The change so far as a fraction of the whole change. */
  const done = ({ value }: { readonly value: number }) => (value - first.value) / (last.value - first.value);
  const i = known.findIndex((one) => done(one) >= 0.5);
  const [before, after] = [known[i - 1]!, known[i]!];
  return before.at + ((after.at - before.at) * (0.5 - done(before))) / (done(after) - done(before));
}
