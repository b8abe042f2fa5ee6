import { formatSeconds, printable } from "../../base/index.ts";
import { cutToWidth, widthOf } from "./width.ts";

/** The stream for progress: standard error, or another one in tests. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The width of a terminal that does not report one. */
const USUAL_COLUMNS = 80;
/** Moves to the first column and erases the line. */
const CLEAR = "\r\x1b[2K";

/**
 * Reports long work. On a terminal, the work under way has one line that is rewritten, and no line is longer than the
 * terminal is wide. Elsewhere there is a line for each unit that is finished, whole and without control codes.
 */
export class Progress {
  readonly #shares: readonly number[];
  readonly #stream: ProgressStream;
  readonly #live: boolean;
  readonly #started = performance.now();
  #done = 0;
  #spent = 0;

  /** `shares`: the expected time of each unit relative to the others, in the order in which they are finished. */
  constructor(shares: readonly number[], stream: ProgressStream = process.stderr) {
    this.#shares = shares;
    this.#stream = stream;
    this.#live = stream.isTTY === true && process.env.TERM !== "dumb";
  }

  /** A unit is under way; `part` of its share is done. */
  update(text: string, part = 0): void {
    if (this.#live) this.#stream.write(CLEAR + this.#line(text, part));
  }

  /** A unit is finished. */
  finish(text: string): void {
    this.#spent += this.#shares[this.#done] ?? 0;
    this.#done++;
    this.#stream.write(`${this.#live ? CLEAR : ""}${this.#line(text)}\n`);
  }

  /** Ends the line that was rewritten. */
  end(): void {
    if (this.#live) this.#stream.write(CLEAR);
  }

  /**
   * A line of the count of finished units, the text and the time left. On a terminal, the text is cut so that all three
   * fit into a line.
   */
  #line(text: string, part = 0): string {
    const [before, after] = [`[${this.#done}/${this.#shares.length}] `, this.#estimate(part)];
    const middle = printable(text);
    if (!this.#live) return before + middle + after;
    const room = (this.#stream.columns || USUAL_COLUMNS) - 1; // A full line moves the cursor of some terminals on.
    return cutToWidth(before + cutToWidth(middle, Math.max(0, room - widthOf(before + after))) + after, room);
  }

  /** The time left, if the remaining units take as long relative to the finished ones as expected. */
  #estimate(part: number): string {
    const left = this.#shares.slice(this.#done).reduce((sum, share) => sum + share, 0) - part;
    const spent = this.#spent + part;
    if (left === 0 || spent === 0) return "";
    const elapsed = (performance.now() - this.#started) / 1000;
    return `, about ${formatSeconds((elapsed / spent) * left)} left`;
  }
}
