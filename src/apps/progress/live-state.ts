import type { UnitPlace } from "../../results/index.ts";

/** A unit that a worker computes at this moment. */
export interface RunningUnit extends UnitPlace {
  /** Who computes it: a name that tells a machine and a program. */
  readonly worker: string;
  /** When it began, as an ISO date. */
  readonly since: string;
}

/** How far a run is, or the studies of a folder. A page shows these texts as they are. */
export interface LiveState {
  /** Another number whenever there is something new in the store, so that a report shows more than before. */
  readonly version: number;
  /** Whether nothing is left to be computed. */
  readonly isFinished: boolean;
  /** What is done or has failed, from 0 to 1. */
  readonly share: number;
  readonly summary: string;
  /** Each tap of a run, or each study. */
  readonly parts: readonly LivePart[];
  /** Units, cells and inputs without a result, with the reasons. */
  readonly failures: readonly string[];
  readonly running: readonly { readonly unit: string; readonly worker: string; readonly since: string }[];
  /** Why the store could not be read at the last look; what else is said is then from the look before. */
  readonly trouble?: string;
}

interface LivePart {
  readonly name: string;
  readonly done: number;
  readonly failed: number;
  readonly left: number;
  readonly timeLeft: string;
}

/** What a server tells a page that follows a run. */
export interface LiveEvent extends LiveState {
  /** Another number where the run has other inputs than before, or more is known of them: it has to be opened again. */
  readonly edition: number;
  /** The units of a run that are done: of the first event all, and of others those that were not done before. */
  readonly units: readonly UnitPlace[];
}
