// The rule of docs/notes/controls.md, written from that page alone: verdicts from the numbers of STUDY-claims.csv.

/** A number with the ends of its interval; equal ones where it does not vary. */
export interface Ends {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly draws: number;
}

/** What a claim asks of its number. */
export interface Asked {
  readonly sign: 1 | -1;
  readonly none: number;
}

/** The rows of one number of one claim, for the trained network alone (`control` is empty) or with a control. */
interface Rows {
  /** Without an image: its number in the table; the first row has all. */
  readonly without: readonly string[];
  readonly trained: readonly number[];
  /** [draw][row] */
  readonly draws: readonly (readonly number[])[];
}

/** The three verdicts on a claim for one control. */
export interface Judged {
  readonly control: { readonly verdict: string; readonly numbers: readonly Ends[] };
  readonly difference: { readonly verdict: string; readonly numbers: readonly Ends[] };
}

/** The table of claims of a study, cells as they are stored. */
export class ClaimsTable {
  readonly #rows: readonly (readonly string[])[];

  constructor(rows: readonly (readonly string[])[]) {
    this.#rows = rows.slice(1);
  }

  #rowsOf(claim: string, part: string, control: string): Rows | undefined {
    const rows = this.#rows.filter((cells) => cells[0] === claim && cells[1] === part && cells[2] === control);
    if (rows.length === 0) return undefined;
    const column = (at: number) => rows.map((cells) => (cells[at] === "" ? Number.NaN : Number(cells[at])));
    const drawn = Array.from({ length: rows[0]!.length - 5 }, (_, d) => column(5 + d));
    return {
      without: rows.map((cells) => cells[3]!),
      trained: column(4),
      draws: drawn.filter(([all]) => !Number.isNaN(all)),
    };
  }

  #partsOf(claim: string, control: string) {
    const [measure, weakest, atMost] = ["measure", "weakest", "at most"].map((part) =>
      this.#rowsOf(claim, part, control),
    );
    return { measure: measure!, weakest, atMost };
  }

  /** The verdict of the trained network, and its numbers in the order in which they are told: the number, its bound, the weakest. */
  trained(claim: string, asked: Asked): { readonly verdict: string; readonly numbers: readonly Ends[] } {
    const { measure, weakest, atMost } = this.#partsOf(claim, "");
    const own = (rows: Rows | undefined) => rows && interval(rows.trained, [rows.trained], true, 1);
    return outcome(asked, own(measure)!, own(weakest), own(atMost));
  }

  /** The verdict of a control and that of the difference. `initial` is one network, so that only images vary. */
  control(claim: string, asked: Asked, kind: string): Judged {
    const { measure, weakest, atMost } = this.#partsOf(claim, kind);
    const one = kind === "initial";
    const own = (rows: Rows | undefined) => rows && interval(rows.trained, rows.draws, one);
    const minus = (trained: Rows, control: Rows) => {
      if (trained.without.join() !== control.without.join()) throw new Error(`${claim}: other images`);
      const drawn = control.draws.map((draw) => draw.map((value, row) => trained.trained[row]! - value));
      return interval(trained.trained, drawn, one);
    };
    const differences =
      atMost === undefined ? [minus(measure, measure)] : [minus(measure, atMost), minus(atMost, measure)];
    const isFew = (...numbers: readonly (Rows | undefined)[]) =>
      !one && numbers.some((rows) => rows !== undefined && rows.draws.length < 6);
    const control = outcome(asked, own(measure)!, own(weakest), own(atMost));
    const [least, most] = [differences[0]!, differences.at(-1)!];
    const [adds, takes] = asked.sign > 0 ? [least.low > 0, most.high < 0] : [most.high < 0, least.low > 0];
    const isEnough = !isFew(measure, atMost) && Math.min(least.n, most.n) >= 6;
    const isKnown = isEnough && Number.isFinite(least.low) && Number.isFinite(most.high);
    const decided = adds ? "training adds" : takes ? "training takes away" : "no difference shown";
    return {
      control: isFew(measure, weakest, atMost) ? { ...control, verdict: "undecided" } : control,
      difference: { verdict: isKnown ? decided : "undecided", numbers: differences },
    };
  }
}

/** The whole interval must lie on the side that the claim states, wherever the number may lie, or wholly on the other side. */
function outcome({ sign, none }: Asked, measure: Ends, weakest?: Ends, atMost?: Ends) {
  const numbers = [
    measure,
    ...(atMost && atMost.value !== measure.value ? [atMost] : []),
    ...(weakest ? [weakest] : []),
  ];
  const onSide = ({ low, high }: Ends) => (sign > 0 ? low > none : high < none);
  const onOther = ({ low, high }: Ends) => (sign > 0 ? high < none : low > none);
  const bounds = [measure, ...(atMost ? [atMost] : [])];
  const ends = [...bounds, ...(weakest ? [weakest] : [])].flatMap(({ low, high }) => [low, high]);
  const isBetween = atMost !== undefined && measure.value < none && none < atMost.value;
  if (numbers.some(({ n }) => n < 6) || !ends.every(Number.isFinite) || isBetween)
    return { verdict: "undecided", numbers };
  if ((weakest ? [weakest] : bounds).every(onSide)) return { verdict: "supported", numbers };
  return { verdict: bounds.every(onOther) ? "contradicted" : "not supported", numbers };
}

/** The mean over draws, whose variance is that over images (by the jackknife) and that of the mean over draws. */
function interval(
  rows: readonly number[],
  draws: readonly (readonly number[])[],
  one: boolean,
  shown = draws.length,
): Ends {
  const n = rows.length - 1;
  const count = draws.length;
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [value, ...without] = (draws[0] ?? rows).map((_, row) => average(draws.map((draw) => draw[row]!)));
  const middle = average(without);
  const ofImages = ((n - 1) / n) * without.reduce((sum, each) => sum + (each - middle) ** 2, 0);
  const squares = draws.reduce((sum, draw) => sum + (draw[0]! - value!) ** 2, 0);
  const ofDraws = one ? 0 : squares / (count * (count - 1));
  const variance = ofImages + ofDraws;
  const freedom = variance ** 2 / (ofImages ** 2 / (n - 1) + (one ? 0 : ofDraws ** 2 / (count - 1)));
  const found = { value: value ?? Number.NaN, n, draws: shown };
  if (n < 4 || (!one && count < 4) || count === 0) return { ...found, low: Number.NaN, high: Number.NaN };
  const half = variance === 0 ? 0 : quantile(freedom) * Math.sqrt(variance);
  // Numbers that differ by less than float32 products tell are the same.
  return 2 * half <= 2 ** -20 * Math.abs(found.value)
    ? { ...found, low: found.value, high: found.value }
    : { ...found, low: found.value - half, high: found.value + half };
}

/**
 * The 97.5 % point of Student's t. With t = √ν tan θ, the density of θ is proportional to cos^(ν−1) θ; 95 % of it from 0 on is below
 * the point. By Simpson's rule.
 */
export function quantile(freedom: number): number {
  if (!Number.isFinite(freedom)) return Number.NaN;
  const most = Math.min(Math.PI / 2, 12 / Math.sqrt(freedom));
  const steps = 4000;
  const density = (theta: number) => Math.cos(theta) ** (freedom - 1);
  const width = most / steps;
  const sums = [0];
  for (let i = 0; i < steps; i++) {
    const [a, m, b] = [i, i + 0.5, i + 1].map((at) => density(at * width));
    sums.push(sums[i]! + (width / 6) * (a! + 4 * m! + b!));
  }
  const wanted = 0.95 * sums[steps]!;
  const at = sums.findIndex((sum) => sum >= wanted);
  const part = (wanted - sums[at - 1]!) / (sums[at]! - sums[at - 1]!);
  return Math.sqrt(freedom) * Math.tan((at - 1 + part) * width);
}
