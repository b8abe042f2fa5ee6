/** How long the solver computes in JavaScript before it lets other tasks of the program run, in milliseconds. */
const SLICE = 40;
let rested = performance.now();

/**
 * Lets timers, signals and progress run, if this was not called for some time. Long loops call it between their parts; most calls
 * return at once.
 */
export async function breathe(): Promise<void> {
  if (performance.now() - rested < SLICE) return;
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  rested = performance.now();
}
