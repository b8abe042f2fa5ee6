/**
 * A table that holds its own entries alone: names from outside, as those of operators, may be `constructor` or `toString`, and
 * find nothing that was not put in.
 */
export function tableOf<T extends object>(entries: T): T {
  return Object.assign(Object.create(null) as T, entries);
}
