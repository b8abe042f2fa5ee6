import { afterAll, describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { type Certificate, type SingularTriplets, svd } from "../../src/svd/index.ts";
import { families } from "../campaign/families.ts";
import { falseClaims, falsePasses } from "../campaign/judge.ts";
import { withSpectrum } from "../campaign/matrices.ts";
import { measured } from "../campaign/measure.ts";
import { runCase, type Verdict } from "../campaign/run.ts";
import { bySvd, byWeyl, type Truth } from "../campaign/truth.ts";
import { operatorOf } from "../support/spectra.ts";

/** The first cases of the campaign of seed 0: `npm run campaign` goes on from there. */
const COUNT = 300;

describe(`the first ${COUNT} operators of the campaign`, { timeout: 120_000 }, () => {
  const backend = createBackend({ threads: 1 });
  afterAll(() => backend.dispose());
  const verdicts: Verdict[] = [];

  test("no certificate is false", async () => {
    for (let index = 0; index < COUNT; index++) verdicts.push(await runCase(0, index, backend));
    const failed = verdicts.filter(({ failures }) => failures.length > 0);
    expect(failed.map(({ index, described, failures }) => ({ index, described, failures }))).toEqual([]);
  });

  test("every family, outcome and claim was met", () => {
    expect(new Set(verdicts.map(({ family }) => family))).toEqual(new Set(Object.keys(families)));
    expect(new Set(verdicts.map(({ outcome }) => outcome)).size).toBe(3);
    expect(new Set(verdicts.map(({ missed }) => missed)).size).toBe(3);
    expect(verdicts.filter(({ missed }) => missed === "probable").length).toBeGreaterThan(COUNT / 10);
  });
});

test("spectra that were built are those that an SVD finds", () => {
  for (const [m, n] of [[17, 30] as const, [30, 17] as const, [1, 9] as const, [20, 20] as const]) {
    const sigma = Float64Array.from({ length: Math.min(m, n) }, (_, i) => (i < 5 ? 1 : 0.7 ** i));
    const intended = withSpectrum(createRng(m), m, n, sigma);
    const rounded = Float64Array.from(Float32Array.from(intended.matrix));
    const [built, found] = [byWeyl(rounded, intended), bySvd(rounded, m, n)];
    expect(built.uncertainty).toBeLessThan(1e-6);
    built.sigma.forEach((value, i) => {
      expect(Math.abs(value - found.sigma[i]!)).toBeLessThanOrEqual(built.uncertainty + found.uncertainty);
    });
  }
});

describe("the judge", async () => {
  const [m, n, k] = [30, 40, 8];
  const sigma = Float64Array.from({ length: m }, (_, i) => 1 - i / 40);
  const { matrix } = withSpectrum(createRng(1), m, n, sigma);
  const truth = bySvd(Float64Array.from(Float32Array.from(matrix)), m, n);
  const J = operatorOf(Float32Array.from(matrix), m, n);
  const honest = await svd(J, { k });
  const whole = await svd(J, { k: m });

  const claimsOf = async (result: SingularTriplets, of: Truth = truth, judge = falseClaims) => {
    const wrong = judge(of, result, await measured(J, of, result));
    return [...new Set(wrong.map((claim) => claim.split(":")[0]))];
  };
  const with_ = (change: Partial<Certificate>, from = honest): SingularTriplets => ({
    ...from,
    certificate: { ...from.certificate, ...change },
  });
  /** Rows `chosen` of a result, as if they were all that was found. */
  const rowsOf = (chosen: readonly number[], from = whole): SingularTriplets => {
    const { certificate } = from;
    const taken = <T>(values: ArrayLike<T>) => chosen.map((i) => values[i]!);
    return {
      sigma: Float64Array.from(taken(from.sigma)),
      u: Float32Array.from(chosen.flatMap((i) => [...from.u.subarray(i * m, (i + 1) * m)])),
      v: Float32Array.from(chosen.flatMap((i) => [...from.v.subarray(i * n, (i + 1) * n)])),
      certificate: {
        ...certificate,
        residual: Float64Array.from(taken(certificate.residual)),
        status: taken(certificate.status),
        floors: Float64Array.from(taken(certificate.floors)),
        norm: from.sigma[chosen[0]!]!,
      },
    };
  };

  test("finds nothing where nothing is false", async () => {
    expect(await claimsOf(honest)).toEqual([]);
    expect(await claimsOf(whole)).toEqual([]);
    expect(await claimsOf(rowsOf([0, 1, 2, 3]))).toEqual([]);
  });

  test("an omission", async () => {
    expect(await claimsOf(rowsOf([0, 1, 3, 4]))).toEqual(["complete"]);
    const unclaimed = rowsOf([0, 1, 3, 4]);
    expect(await claimsOf(with_({ missed: { kind: "none" } }, unclaimed))).toEqual([]);
  });

  test("a duplicate: two σ that are one", async () => {
    const twice = rowsOf([0, 1, 1, 2]);
    expect(await claimsOf(twice)).toContain("orthonormal");
    const hidden = with_({ missed: { kind: "none" } }, rowsOf([0, 1, 2, 3]));
    hidden.sigma[2] = hidden.sigma[1]!;
    expect(await claimsOf(hidden)).toContain("one to one");
  });

  test("a σ that is off", async () => {
    const sigma = honest.sigma.map((value, i) => (i === 4 ? value + 1e-3 : value));
    const off = { ...with_({ missed: { kind: "none" } }), sigma };
    expect(await claimsOf(off)).toEqual(["residual", "near", "one to one"]);
  });

  test("a residual that is too small, and a status that does not follow", async () => {
    const skewed = { ...with_({}), v: honest.v.slice() };
    skewed.v.set(honest.v.subarray(0, n).map((entry, i) => entry + 1e-4 * honest.v[n + i]!));
    expect(await claimsOf(skewed)).toContain("residual");
    const residual = honest.certificate.residual.map(() => 1e-3);
    expect(await claimsOf(with_({ residual }))).toEqual(["status"]);
  });

  test("a bound below the next σ", async () => {
    const missed = { kind: "probable", bound: truth.sigma[k]! - 1e-3, failureProbability: 1e-6 } as const;
    expect(await claimsOf(with_({ missed }))).toEqual(["missed"]);
    expect(await claimsOf(with_({ missed: { ...missed, bound: truth.sigma[k]! } }))).toEqual([]);
  });

  test("products that are not those of the true J", async () => {
    const other = bySvd(
      truth.matrix.map((entry) => entry * (1 + 1e-4)),
      m,
      n,
    );
    expect(await claimsOf(honest, other)).toContain("products");
    expect(await claimsOf(honest, other, falsePasses)).toEqual(["near", "one to one", "passed"]);
  });
});
