import { basename } from "node:path";
import type { stepWhileSolving } from "../test/web/engine-page.ts";
import { openEngine, openInEngine } from "../test/web/open-engine.ts";
import type { Solve } from "./explorer-page.ts";
import { median } from "./timing.ts";

/**
 * Milliseconds that a step takes while a spectrum is solved: the median of five, asked for one after another as a slider does. The first
 * also computes what J predicts along its direction.
 */
export async function stepMilliseconds(
  network: readonly string[],
  picture: string,
  { tap, k }: Solve,
): Promise<number> {
  const pathOf = (file: string) => `/${basename(file)}`;
  const page = await openEngine(Object.fromEntries([...network, picture].map((file) => [pathOf(file), file])));
  try {
    const { pictures } = await openInEngine(page, network.map(pathOf), [pathOf(picture)]);
    const at = { picture: pictures[0]!.picture };
    const step = { ...at, direction: { random: 1 }, epsilon: 1 };
    const { milliseconds, stillSolving } = await page.call<Awaited<ReturnType<typeof stepWhileSolving>>>(
      "stepWhileSolving",
      { ...at, to: tap, k, tol: 1e-6 },
      step,
    );
    if (!stillSolving) throw new Error(`the solve up to ${tap} ended before the steps`);
    return median(milliseconds);
  } finally {
    await page.close();
  }
}
