import { signal } from "@preact/signals";

/** The taps that are drawn and computed. */
export const ofInterest = signal<ReadonlySet<string>>(new Set());

/** Whether the figure shows the picture that is looked at, or the median and quantiles of all pictures. */
export const showsAll = signal(false);

export const indexScale = signal<"linear" | "log">("linear");
export const sigmaScale = signal<"linear" | "log">("log");
