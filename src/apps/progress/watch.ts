import { messageOf, PushforwardError } from "../../base/index.ts";
import type { UnitPlace } from "../../results/index.ts";
import type { LiveEvent, LiveState } from "./live-state.ts";

/** What a look at a store found. */
export interface Seen extends Omit<LiveState, "version" | "trouble"> {
  /** Whether the store has more than at the look before. */
  readonly isNew: boolean;
  /** The units that are done and were not at the look before. */
  readonly units: readonly UnitPlace[];
}

/** A run, or a folder of studies, that may still grow. */
export interface Followed {
  look(): Promise<Seen>;
  /** As in `LiveEvent`. */
  readonly edition: number;
  /** The units that were done at the last look. */
  unitsDone(): readonly UnitPlace[];
  /** The page of the report as far as it is. */
  report(): Promise<string>;
}

/** Milliseconds between two looks. */
export interface Pace {
  /** After a look that takes no time. One that takes long is followed by a pause ten times as long, at most `most`. */
  readonly least: number;
  /** Also after one that failed. */
  readonly most: number;
  /** Where nothing is left: a command may still be given again, for what failed or with more inputs. */
  readonly finished: number;
}

const usual: Pace = { least: 2000, most: 5000, finished: 60_000 };

const unknown: LiveState = {
  ...{ version: 0, isFinished: false, share: 0, summary: "Nothing is known yet." },
  ...{ parts: [], failures: [], running: [] },
};

/**
 * Looks at a store again and again while somebody follows it, and tells what is new. There are no notices of files, because other machines
 * write too.
 */
export class Watch {
  readonly #followed: Followed;
  readonly #pace: Pace;
  readonly #listeners = new Set<(event: LiveEvent) => void>();
  #state = unknown;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #report: { readonly version: number; readonly page: Promise<string> } | undefined;

  constructor(followed: Followed, pace = usual) {
    this.#followed = followed;
    this.#pace = pace;
  }

  /** Tells a listener all that is known, and then what is new, until the function that is returned is called. */
  async follow(listener: (event: LiveEvent) => void): Promise<() => void> {
    await this.#look();
    listener(this.#event(this.#followed.unitsDone()));
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) clearTimeout(this.#timer);
    };
  }

  /**
   * The report of what is stored now, and its version. It is rendered once for each version.
   *
   * @throws PushforwardError what the store throws
   */
  async report(): Promise<{ readonly version: number; readonly page: string }> {
    await this.#look();
    const { version } = this.#state;
    if (this.#report?.version !== version) this.#report = { version, page: this.#followed.report() };
    const rendered = this.#report;
    try {
      return { version, page: await rendered.page };
    } catch (cause) {
      if (this.#report === rendered) this.#report = undefined;
      throw cause;
    }
  }

  /** Looks once, if no look is under way, and plans the next one. */
  #look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const { least, most, finished } = this.#pace;
    const begun = performance.now();
    const before = this.#state;
    let units: readonly UnitPlace[] = [];
    try {
      const { isNew, units: found, ...state } = await this.#followed.look();
      units = found;
      this.#state = { ...state, version: before.version + (isNew ? 1 : 0) };
    } catch (cause) {
      this.#state = { ...before, trouble: cause instanceof PushforwardError ? cause.what : messageOf(cause) };
    }
    const { isFinished, trouble } = this.#state;
    if (JSON.stringify(this.#state) !== JSON.stringify(before)) {
      const event = this.#event(units);
      for (const listener of this.#listeners) listener(event);
    }
    const pause = Math.min(most, Math.max(least, 10 * (performance.now() - begun)));
    const next = trouble !== undefined ? most : isFinished ? finished : pause;
    this.#timer = setTimeout(() => {
      if (this.#listeners.size > 0) void this.#look();
    }, next);
    this.#timer.unref();
  }

  #event(units: readonly UnitPlace[]): LiveEvent {
    return { ...this.#state, edition: this.#followed.edition, units };
  }
}
