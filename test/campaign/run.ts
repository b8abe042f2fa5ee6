import { PushforwardError } from "../../src/base/index.ts";
import type { Backend } from "../../src/runtime/index.ts";
import { type Case, drawCase, solved } from "./case.ts";
import { falseClaims, falsePasses } from "./judge.ts";
import { measured } from "./measure.ts";

/** How a solve ended, and what of it was false. */
export interface Verdict {
  readonly index: number;
  readonly family: Case["family"];
  /** Everything about the case that helps to understand a failure, on one line. */
  readonly described: string;
  readonly outcome: "all certified" | "some unconverged" | "refused";
  readonly missed: "exact" | "probable" | "none";
  /** Of the claim on what is missed. */
  readonly failureProbability: number;
  /** Largest error of the operator's own products at the vectors found, in units of the certificate's floor. */
  readonly roundingOverFloor: number;
  /** Empty where everything claimed is so. */
  readonly failures: readonly string[];
  readonly seconds: number;
}

/** Draws case `index` of the campaign `seed`, solves it and judges the result; an unexpected error is a failure too. */
export async function runCase(seed: number, index: number, backend: Backend): Promise<Verdict> {
  const started = performance.now();
  const drawn = await drawCase(seed, index, backend);
  try {
    return { ...(await judged(drawn)), seconds: (performance.now() - started) / 1000 };
  } finally {
    await drawn.release();
  }
}

async function judged(drawn: Case): Promise<Omit<Verdict, "seconds">> {
  const { index, family, form, truth, sound, options, broken } = drawn;
  const described = `${family} ${form} ${truth.m}×${truth.n} ${JSON.stringify(options)}`;
  const result = await solved(drawn);
  const refused = {
    index,
    family,
    described,
    outcome: "refused",
    missed: "none",
    failureProbability: 0,
    roundingOverFloor: 0,
  } as const;
  const spoiled = broken?.() ?? false;
  if (result instanceof Error) {
    const expected = spoiled && result instanceof PushforwardError && result.code === "not-finite";
    return { ...refused, failures: expected ? [] : [`threw: ${result.stack}`] };
  }
  if (spoiled) return { ...refused, failures: ["not-finite: a product was not finite, and triplets came back"] };

  const { status, missed, floor } = result.certificate;
  const again = await measured(sound, truth, result);
  const isPair = family !== "wrongTranspose";
  const failures = (isPair ? falseClaims : falsePasses)(truth, result, again);
  return {
    index,
    family,
    described,
    outcome: status.includes("unconverged") ? "some unconverged" : "all certified",
    missed: missed.kind,
    failureProbability: missed.kind === "probable" ? missed.failureProbability : 0,
    roundingOverFloor: isPair && floor > 0 ? Math.max(...again.rounding) / floor : 0,
    failures,
  };
}
