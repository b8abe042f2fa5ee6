/** What a kind of chaos has found. */
export interface Outcome {
  /** What was done, with its numbers. */
  readonly about: string;
  /** What went wrong; empty if nothing did. */
  readonly faults: readonly string[];
}
