import { formatSeconds } from "../../base/index.ts";

/** Reports long work on standard error: a line that is rewritten on a terminal, a line a unit elsewhere. */
export class Progress {
  readonly #total: number;
  readonly #live = process.stderr.isTTY;
  readonly #started = performance.now();
  #done = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** A unit is under way. */
  update(text: string): void {
    if (!this.#live) return;
    process.stderr.write(`\r\x1b[2K[${this.#done}/${this.#total}] ${text}${this.#estimate()}`);
  }

  /** A unit is finished. */
  finish(text: string): void {
    this.#done++;
    process.stderr.write(`${this.#live ? "\r\x1b[2K" : ""}[${this.#done}/${this.#total}] ${text}${this.#estimate()}\n`);
  }

  /** Leaves the line that was rewritten. */
  end(): void {
    if (this.#live) process.stderr.write("\r\x1b[2K");
  }

  /** Time left if the rest goes as what is done did. */
  #estimate(): string {
    if (this.#done === 0 || this.#done >= this.#total) return "";
    const elapsed = (performance.now() - this.#started) / 1000;
    return `, about ${formatSeconds((elapsed / this.#done) * (this.#total - this.#done))} left`;
  }
}
