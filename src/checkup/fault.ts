/** Something that does not hold of a stored unit. */
export interface Fault {
  /** What it is, and of which triplets: `residual of triplet 3, and of 2 more`. */
  readonly what: string;
  /** What was found, and the most that would hold; absent where no number decides. */
  readonly found?: number;
  readonly allowed?: number;
}

/** A number of a triplet, and the most that would hold. */
export interface Compared {
  /** The index of the triplet, from 0. */
  readonly index: number;
  readonly found: number;
  readonly allowed: number;
}

/** One fault for all numbers that exceed what is allowed, with the worst of them; none if all hold. NaN does not hold. */
export function worstOf(what: string, compared: readonly Compared[]): Fault[] {
  const excess = ({ found, allowed }: Compared) => (Number.isNaN(found) ? Number.POSITIVE_INFINITY : found / allowed);
  const bad = compared.filter(({ found, allowed }) => !(found <= allowed)).sort((a, b) => excess(b) - excess(a));
  const [worst] = bad;
  if (worst === undefined) return [];
  const { index, found, allowed } = worst;
  return [{ what: `${what} of triplet ${index + 1}${andMore(bad.length)}`, found, allowed }];
}

/** `, and of 2 more` */
export const andMore = (count: number): string => (count > 1 ? `, and of ${count - 1} more` : "");
