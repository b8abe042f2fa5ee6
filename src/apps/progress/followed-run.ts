import { PushforwardError } from "../../base/index.ts";
import {
  openRun,
  progressOf,
  type Run,
  type RunManifest,
  type RunProgress,
  type Store,
  type UnitPlace,
} from "../../results/index.ts";
import type { RunningUnit } from "./live-state.ts";
import { unusableInputs } from "./parts.ts";
import { countsOf, failedUnits, runSentence, timeLeft } from "./texts.ts";
import type { Followed, Seen } from "./watch.ts";

/** A run in its store, finished or not. It need not be there yet. */
export class FollowedRun implements Followed {
  readonly #store: Store;
  readonly #running: (manifest: RunManifest) => Promise<readonly RunningUnit[]>;
  #run: Run | undefined;
  #progress: RunProgress | undefined;
  /** The root of the store, which other inputs change. */
  #root = "";
  #edition = 0;
  /** What a look found and could not tell, because the store then failed. */
  #untold: { readonly isNew: boolean; readonly units: readonly UnitPlace[] } = { isNew: false, units: [] };

  /** @param running tells which units are being computed at this moment, where that is known */
  constructor(store: Store, running: (manifest: RunManifest) => Promise<readonly RunningUnit[]> = async () => []) {
    this.#store = store;
    this.#running = running;
  }

  get edition(): number {
    return this.#edition;
  }

  async look(): Promise<Seen> {
    const run = await this.#refreshed();
    const now = await this.#running(run.manifest);
    const { isNew, units } = this.#untold;
    const progress = isNew || this.#progress === undefined ? await progressOf(run) : this.#progress;
    this.#progress = progress;
    this.#untold = { isNew: false, units: [] };
    const { inputs, taps } = run.manifest;
    const { done, failed, left } = countsOf(progress.taps);
    const running = now.map(({ input, tap, worker, since }) => ({
      ...{ unit: `${inputs[input]?.name} → ${taps[tap]?.name}`, worker, since },
    }));
    return {
      ...{ isNew, units, running },
      isFinished: left === 0,
      share: left === 0 ? 1 : (done + failed) / (done + failed + left),
      summary: runSentence(progress),
      failures: [...failedUnits(progress.taps), ...unusableInputs(run.manifest)],
      parts: progress.taps.map((tap) => ({
        name: tap.tap,
        ...{ done: tap.done, failed: tap.failed.length, left: tap.left, timeLeft: timeLeft(tap) },
      })),
    };
  }

  unitsDone(): UnitPlace[] {
    return this.#run === undefined ? [] : placesDone(this.#run);
  }

  async report(): Promise<string> {
    const { renderReport } = await import("../report/index.ts"); // half of the start-up time of all commands
    if (this.#run === undefined) throw notYet(this.#store);
    return renderReport(this.#run);
  }

  /**
   * The run with what other programs have written. It is opened again if it has other inputs, and while it has no unit, because what is
   * known of its inputs may be written after its root.
   */
  async #refreshed(): Promise<Run> {
    const bytes = await this.#store.get("/zarr.json");
    if (bytes === undefined) throw notYet(this.#store);
    const root = new TextDecoder().decode(bytes);
    const before = this.#run;
    if (before !== undefined && root === this.#root && hasUnits(before)) {
      const news = await before.refresh();
      const done = news.filter(({ input, tap }) => before.isDone(input, tap));
      const { isNew, units } = this.#untold;
      this.#untold = { isNew: isNew || news.length > 0, units: [...units, ...done] };
      return before;
    }
    const run = await openRun(this.#store);
    const isOther = JSON.stringify(before?.manifest) !== JSON.stringify(run.manifest);
    this.#run = run;
    this.#root = root;
    if (isOther) this.#edition++;
    this.#untold = { isNew: isOther || hasUnits(run), units: placesDone(run) };
    return run;
  }
}

function hasUnits(run: Run): boolean {
  const { inputs, taps } = run.manifest;
  return inputs.some((_, input) =>
    taps.some((_, tap) => run.isDone(input, tap) || run.failureOf(input, tap) !== undefined),
  );
}

function placesDone(run: Run): UnitPlace[] {
  const { inputs, taps } = run.manifest;
  const places = inputs.flatMap((_, input) => taps.map((_, tap) => ({ input, tap })));
  return places.filter(({ input, tap }) => run.isDone(input, tap));
}

const notYet = ({ location }: Store): PushforwardError =>
  new PushforwardError("file-unreadable", {
    what: "There is no run here yet.",
    where: { file: location },
    fix: "Wait until the command that makes it has begun to compute.",
  });
