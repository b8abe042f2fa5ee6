import { signal } from "@preact/signals";
import type { Subject } from "../subject.ts";

/** The taps that are ticked. */
export const ofInterest = signal<ReadonlySet<string>>(new Set());

/** Whether the figure shows the picture that is looked at, or the median and quantiles of all pictures. */
export const showsAll = signal(false);

export const indexScale = signal<"linear" | "log">("linear");
export const sigmaScale = signal<"linear" | "log">("log");

/** What was put aside, to be seen beside what is shown. */
interface Aside {
  readonly subject: Subject;
  /** Its picture, where that of the same name does not take its place. */
  readonly picture: number;
  /** The taps that were ticked. */
  readonly ticked: ReadonlySet<string>;
}

export const aside = signal<Aside | undefined>(undefined);
