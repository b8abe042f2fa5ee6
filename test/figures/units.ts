import { parseHTML } from "linkedom";
import type { SvgDocument, TapUnits, UnitNumbers } from "../../src/figures/index.ts";

/** What Plot draws with under Node. */
export const document: SvgDocument = parseHTML("<!doctype html><html><body></body></html>").document;

/** A converged unit with the σ given. */
export function unitOf(sigma: readonly number[], rest: Partial<UnitNumbers> = {}): UnitNumbers {
  return {
    m: 10,
    n: 20,
    k: sigma.length,
    sigma: Float64Array.from(sigma),
    residual: Float64Array.from(sigma, () => 1e-7),
    status: sigma.map(() => "converged"),
    norm: sigma[0] ?? 0,
    floor: 1e-8 * (sigma[0] ?? 0),
    orthogonality: { u: 1e-7, v: 2e-7 },
    missed: { kind: "none" },
    jvp: 5,
    vjp: 6,
    seconds: 0.5,
    stopped: "all-converged",
    activeRows: 8,
    ...rest,
  };
}

/** A tap with one converged unit a row of σ. */
export function tapOf(tap: string, rows: readonly (readonly number[])[]): TapUnits {
  return { tap, units: rows.map((sigma, i) => ({ input: `input${i}`, unit: unitOf(sigma) })) };
}

/** The same markup with its decimals cut to one digit, so that a stored drawing does not hang on the last bits. */
export function rounded(svg: string): string {
  return svg.replace(/-?\d+\.\d+/g, (number) => String(Number(Number(number).toFixed(1))));
}
