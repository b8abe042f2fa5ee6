import { floorsOf } from "./certificate.ts";
import { MAX_PROBES, probe } from "./missed.ts";
import { Search, type SearchOptions } from "./search.ts";
import type { Outcome, Solve } from "./solve.ts";

/**
 * The k largest singular triplets by block Lanczos with polynomial filters. When the search has found k triplets, random vectors
 * test whether a larger singular value was missed. If they show one, the search continues from these vectors.
 *
 * @throws PushforwardError `interrupted` if aborted before there was anything to measure
 */
export async function krylov(solve: Solve, options: SearchOptions): Promise<Outcome> {
  const { products, algebra, k, tol, rng } = solve;
  const search = new Search(solve, options);
  try {
    let cut = await search.untilFull();
    for (let probes = 1; ; probes++) {
      const measured = await search.completed();
      if (cut !== undefined) return { measured, missed: { kind: "none" }, cut };
      if (k === Math.min(products.m, products.n)) return { measured, missed: { kind: "exact" } };
      const { bound, seen, directions } = await probe(products, algebra, measured, rng);
      const { sigma } = measured;
      const floor = floorsOf(measured).at(-1)!;
      const overlooked = seen > sigma.at(-1)! + 2 * Math.max(tol * sigma[0]!, floor);
      if (!overlooked || probes === MAX_PROBES) return { measured, missed: bound };
      cut = await search.beyond(directions);
    }
  } finally {
    search.dispose();
  }
}
