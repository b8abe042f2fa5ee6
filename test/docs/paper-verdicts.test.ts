import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type PaperRecord, readRecords } from "../../scripts/paper/records.ts";
import { csvOf } from "../../src/apps/report/studies.ts";
import { readRecords as readRows } from "../../src/images/records.ts";
import type { Sample } from "../../src/results/index.ts";
import { claimsTable } from "../../src/studies/control-findings.ts";
import { meanSample, ofAll } from "../../src/studies/statistics.ts";
import { findingsOf } from "../../src/studies/study.ts";
import { judge, type TestedClaim } from "../../src/studies/verdict.ts";
import { root } from "./markdown.ts";
import { ClaimsTable, type Ends, quantile } from "./verdicts.ts";

const tableFrom = (csv: string) => new ClaimsTable(readRows(csv).map(({ cells }) => cells));

/** Everything about a verdict that follows from the table is what the table gives. */
function expectRecomputed(table: ClaimsTable, verdict: PaperRecord["verdicts"][number]): void {
  const { id, effect } = verdict;
  const own = table.trained(id, effect);
  expect(own.verdict, `${id}, trained`).toBe(verdict.verdict);
  expectTold(verdict.because, own.numbers, effect.standsFor);
  expectKept(inOrder(verdict.numbers), own.numbers, sizeOf(own.numbers));
  for (const { kind, because, difference, differences, differenceBecause, ...control } of verdict.controls) {
    const judged = table.control(id, effect, kind);
    expect(judged.control.verdict, `${id}, ${kind}`).toBe(control.verdict);
    expect(judged.difference.verdict, `${id}, trained − ${kind}`).toBe(difference);
    expectTold(because, judged.control.numbers, effect.standsFor);
    expectKept(inOrder(control.numbers), judged.control.numbers, sizeOf(judged.control.numbers));
    const { numbers } = judged.difference;
    expectKept(differences, numbers, sizeOf([...own.numbers, ...judged.control.numbers]));
    expectTold(differenceBecause, numbers.at(-1)!.value === numbers[0]!.value ? numbers.slice(0, 1) : numbers);
  }
}

type Kept = PaperRecord["verdicts"][number]["numbers"];

/** A mean may be small because large numbers cancel; its interval shows their size. */
const sizeOf = (numbers: readonly Ends[]) =>
  Math.max(...numbers.flatMap(({ value, low, high }) => [value, low, high].filter(Number.isFinite).map(Math.abs)));

/** As they are told: the number, its bound where that is another number, the weakest. */
const inOrder = ({ measure, weakest, atMost }: Kept): Kept["measure"][] => [
  measure,
  ...(atMost === undefined || atMost.value === measure.value ? [] : [atMost]),
  ...(weakest === undefined ? [] : [weakest]),
];

/** The numbers that the page shows are those of the table, which has 9 digits of numbers of this size. */
function expectKept(kept: readonly Kept["measure"][], numbers: readonly Ends[], size: number): void {
  expect(kept.length).toBe(numbers.length);
  kept.forEach(({ value, low, high, n, draws = 1 }, i) => {
    const own = numbers[i]!;
    const isNear = (a: number, b: number, within: number) =>
      Number.isNaN(b) ? Number.isNaN(a) : Math.abs(a - b) <= within + 1e-8 * size;
    const ofEnds = 0.004 * (own.high - own.low || 0);
    expect(isNear(value, own.value, 0), `${value}, ${own.value}`).toBe(true);
    expect(isNear(low, own.low, ofEnds) && isNear(high, own.high, ofEnds), `${low}, ${high}`).toBe(true);
    expect([n, draws]).toEqual([own.n, own.draws]);
  });
}

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const power = `10⁻?[${superscripts}]+`;
const number = `(−?(?:${power}|[\\d.]+(?:×${power})?))`;
const toldNumbers = new RegExp(
  `${number} \\((?:95 % interval ${number} to ${number}, n = (\\d+) images?(?: × (\\d+) draws)?|` +
    "the same for all (\\d+) images(?: × \\d+ draws)?|J is the same for all (\\d+) images|\\d+ images?(?: × \\d+ draws)?: no interval)\\)",
  "g",
);

/** The sentence has these numbers, rounded as far as it shows them. */
function expectTold(sentence: string, numbers: readonly Ends[], standsFor = 1): void {
  const known = numbers.filter(({ value }) => !Number.isNaN(value));
  const shown = [...sentence.matchAll(toldNumbers)];
  expect(shown.length, `${sentence} ${JSON.stringify(known)}`).toBe(known.length);
  shown.forEach(([text, value, low, high, n, draws], i) => {
    const own = known[i]!;
    expectRounded(value!, own.value, 0, text);
    if (low === undefined) {
      const isAlone = Number.isNaN(own.low) || own.low === own.high;
      expect(isAlone, text).toBe(true);
      if (text.includes("J is")) expect(text).toContain(`all ${standsFor} images`);
      return;
    }
    const half = (own.high - own.low) / 2;
    expectRounded(low, own.low, half, text);
    expectRounded(high!, own.high, half, text);
    expect([Number(n), Number(draws ?? 1)], text).toEqual([own.n, own.draws]);
  });
}

/**
 * Whether a number as it is told, such as `−0.350`, `1.20×10⁻⁵` or `10⁻⁵`, is the value. The project's quantile of Student's distribution
 * is accurate to 0.3 %, and its tables have 9 digits.
 */
function expectRounded(text: string, value: number, half: number, where: string): void {
  const [, minus, size = "1.00", exponent = ""] = new RegExp(
    `^(−?)(?:([\\d.]+)(?:×|$))?(?:10([⁻${superscripts}]+))?$`,
  ).exec(text)!;
  const plain = [...exponent].map((sign) => (sign === "⁻" ? "-" : superscripts.indexOf(sign))).join("");
  const scale = 10 ** Number(plain);
  const shown = (minus === "−" ? -1 : 1) * Number(size) * scale;
  const step = 10 ** -(size.split(".")[1]?.length ?? 0) * scale;
  expect(Math.abs(shown - value), `${where}: ${value}`).toBeLessThanOrEqual(
    0.501 * step + 0.004 * half + 1e-8 * Math.abs(value),
  );
}

test("numbers are read as they are told", () => {
  expectRounded("−0.350", -0.3504, 0, "");
  expectRounded("1911", 1911.4, 0, "");
  expectRounded("1.20×10⁻¹⁵", 1.204e-15, 0, "");
  expectRounded("−10⁻⁵", -1.004e-5, 0, "");
  expect(() => expectRounded("1.20×10⁻⁵", 1.21e-5, 0, "")).toThrow();
});

const records = readRecords();
/** Those of earlier versions have no numbers behind their verdicts. */
const withNumbers = records.filter(({ study, tables }) => tables.includes(`${study}-claims.csv`));

describe.skipIf(withNumbers.length === 0)("every verdict of the paper follows from the tables beside it", () => {
  test.each(withNumbers.map((record) => [record.network, record.study, record] as const))("%s, %s", (_, __, record) => {
    const file = join(root, "docs/paper", record.network, `${record.study}-claims.csv`);
    const table = tableFrom(readFileSync(file, "utf8"));
    for (const verdict of record.verdicts) expectRecomputed(table, verdict);
    expect(record.tables.filter((name) => !existsSync(join(root, "docs/paper", record.network, name)))).toEqual([]);
  });
});

describe("the rule as the note on controls has it, and the rule of the studies", () => {
  // From tables of Student's distribution.
  test.each([
    [3, 3.1824],
    [5, 2.5706],
    [10, 2.2281],
    [30, 2.0423],
    [1000, 1.9623],
  ])("97.5 %% point with %d degrees of freedom: %d", (freedom, point) => {
    expect(quantile(freedom)).toBeCloseTo(point, 3);
  });

  /** Eight images, unlike each other; the last is unknown in one draw. */
  const about = (middle: number, d: number, unknown = -1): Sample =>
    meanSample(
      Array.from({ length: 8 }, (_, i) => (i === unknown ? Number.NaN : middle + 0.2 * Math.sin(7 * i + 3 * d))),
    );
  const spread = (sample: Sample): Sample => ofAll(8, (chosen) => Math.exp(sample.of(chosen)));

  const effects = (middle: number, d: number): TestedClaim[] => [
    ...[0, 1, 2].flatMap((none) =>
      ([1, -1] as const).map((sign) => ({
        ...{ id: `plain-${none}-${sign > 0 ? "above" : "below"}`, on: "steep" as const, claim: "" },
        effect: { what: "It", sign, none, measure: about(middle, d, d === 2 ? 7 : -1) },
      })),
    ),
    ...[0.5, 1, 1.6].flatMap((none) =>
      ([1, -1] as const).map((sign) => ({
        ...{ id: `bounded-${none}-${sign > 0 ? "above" : "below"}`, on: "steep" as const, claim: "" },
        effect: { what: "It", sign, none, measure: about(middle, d), atMost: about(middle + 0.3 + 0.02 * d, d) },
      })),
    ),
    {
      ...{ id: "weakest", on: "steep", claim: "" },
      effect: {
        ...{ what: "It", sign: 1, none: 1, measure: about(middle, d) },
        weakest: { what: "there", measure: about(middle - 0.3, d) },
      },
    },
    {
      ...{ id: "curved", on: "steep", claim: "" },
      effect: { what: "It", sign: 1, none: 3, measure: spread(about(middle, d)) },
    },
    {
      ...{ id: "same", on: "steep", claim: "" },
      effect: { what: "It", sign: 1, none: 0, measure: meanSample(Array(8).fill(middle)) },
    },
    {
      ...{ id: "few", on: "steep", claim: "" },
      effect: { what: "It", sign: 1, none: 0, measure: meanSample([1, 2, 3, 4, middle]) },
    },
    {
      ...{ id: "none", on: "steep", claim: "" },
      otherwise: "There is none.",
      effect: { what: "It", sign: 1, none: 0, measure: meanSample([]) },
    },
  ];
  const drawsAt = (middle: number, count: number) =>
    Array.from({ length: count }, (_, d) =>
      findingsOf({ tables: [], charts: [], claims: effects(middle + 0.05 * d, d + 1) }),
    );

  test("both say the same of trained networks, controls and differences", () => {
    const trained = findingsOf({ tables: [], charts: [], claims: effects(1.2, 0) });
    const controls = [
      { kind: "permuted", draws: drawsAt(0.4, 6) },
      { kind: "matched", draws: drawsAt(1, 7) },
      { kind: "gaussian", draws: drawsAt(2, 6) },
      { kind: "permuted-filters", draws: drawsAt(2, 5) },
      { kind: "initial", one: true, draws: drawsAt(0.9, 1) },
    ];
    const table = tableFrom(csvOf(claimsTable(trained, controls)));
    const verdicts = judge(
      trained.claims,
      controls.map(({ draws, ...control }) => ({ ...control, draws: draws.map(({ claims }) => claims) })),
    );
    verdicts.forEach((verdict, i) => {
      const { what, sign, none } = trained.claims[i]!.effect;
      expectRecomputed(table, { ...verdict, effect: { what, sign, none } });
    });
    const kinds = verdicts.flatMap(({ controls }) => controls.map(({ difference }) => difference));
    expect(new Set(kinds).size).toBe(4);
    expect(new Set(verdicts.map(({ verdict }) => verdict)).size).toBe(4);
  });
});
