import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import type { Sample } from "../../src/results/index.ts";
import { contrast } from "../../src/studies/contrast.ts";
import { claimsTable, flatTable, withControls } from "../../src/studies/control-findings.ts";
import { meanSample } from "../../src/studies/statistics.ts";
import { type Findings, findingsOf } from "../../src/studies/study.ts";
import { judge, type TestedClaim } from "../../src/studies/verdict.ts";

/** Numbers of a trained network and of draws: what an image, a draw and both together bring, and a shift of the trained one. */
function crossed(seed: number, { images = 8, draws = 6, shift = 0, spread = { image: 1, draw: 1, both: 0.5 } } = {}) {
  const rng = createRng("crossed", seed);
  const ofImage = Array.from({ length: images }, () => spread.image * rng.gaussian());
  const trained = ofImage.map((own) => shift + own + spread.both * rng.gaussian());
  const drawn = Array.from({ length: draws }, () => {
    const ofDraw = spread.draw * rng.gaussian();
    return ofImage.map((own) => own + ofDraw + spread.both * rng.gaussian());
  });
  return { trained, drawn };
}

describe("the interval of a difference", () => {
  test.each([
    { image: 1, draw: 1, both: 0.5 },
    { image: 1, draw: 0.1, both: 1 },
    { image: 0.1, draw: 2, both: 0.2 },
  ])("holds the difference about as often as it says, or more often: %j", (spread) => {
    const repeats = 400;
    let held = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const { trained, drawn } = crossed(repeat, { shift: 3, spread });
      const { difference } = contrast(meanSample(trained), drawn.map(meanSample));
      if (difference.low <= 3 && 3 <= difference.high) held++;
    }
    expect(held / repeats).toBeGreaterThan(0.925);
  });

  test("what images share does not widen it: the comparison is paired", () => {
    const { trained, drawn } = crossed(1, { spread: { image: 100, draw: 0.1, both: 0.01 } });
    const { control, difference } = contrast(meanSample(trained), drawn.map(meanSample));
    expect(control.high - control.low).toBeGreaterThan(50);
    expect(difference.high - difference.low).toBeLessThan(1);
  });

  test("the variances over images and over draws are added, with Satterthwaite's degrees of freedom", () => {
    const trained = [3, 1, 4, 1, 5, 9];
    const drawn = [2, 7, 1, 8, 2, 8].map((own) => trained.map((_, i) => own + i));
    const { control } = contrast(meanSample(trained), drawn.map(meanSample));
    const overImages = 3.5 / 6; // the variance of 0 … 5, divided by 6 images
    const overDraws = 11.066666666666666 / 6; // the variance of 2, 7, 1, 8, 2, 8, divided by 6 draws
    expect(control.value).toBeCloseTo(28 / 6 + 2.5, 12);
    const freedom = (overImages + overDraws) ** 2 / (overImages ** 2 / 5 + overDraws ** 2 / 5);
    expect(freedom).toBeCloseTo(7.8751, 3);
    const half = 2.3124 * Math.sqrt(overImages + overDraws); // Student's t at 0.975 with 7.88 degrees of freedom
    expect(control.high - control.value).toBeCloseTo(half, 2);
    expect(control).toMatchObject({ n: 6, draws: 6 });
  });

  test("draws without a number for half of the images are left out, and images that a draw left in has no number for", () => {
    const trained = meanSample([1, 2, 3, 4, 5, 6, 7, 8]);
    const whole = meanSample([1, 2, 3, 4, 5, 6, 7, 9]);
    const most = meanSample([Number.NaN, 2, 3, 4, 5, 6, 7, 8]);
    const half = meanSample([1, 2, 3, 4, Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    const { control } = contrast(trained, [whole, most, half, whole, whole]);
    expect(control).toMatchObject({ n: 7, draws: 4 });
  });

  test("fewer than four draws give no interval; a control that is one network has one over images", () => {
    const trained = meanSample([1, 2, 3, 4, 5, 6]);
    const other = meanSample([2, 2, 3, 3, 4, 4]);
    expect(contrast(trained, [other, other, other]).difference.low).toBeNaN();
    const { difference } = contrast(trained, [other], { one: true });
    expect(difference.value).toBeCloseTo(0.5, 12);
    expect(difference.low).toBeLessThan(0.5);
    expect(difference.low).toBeGreaterThan(-2);
  });
});

/** A claim that a number is above 0 (or below it). */
function claimOf(measure: Sample, { sign = 1 as 1 | -1, atMost = undefined as Sample | undefined } = {}): TestedClaim {
  const effect = { what: "The number", sign, none: 0, measure };
  return { id: "it", on: "steep", claim: "It is so.", effect: atMost === undefined ? effect : { ...effect, atMost } };
}

const spreadAbout = (middle: number, seed: number): Sample => {
  const rng = createRng("about", seed);
  return meanSample(Array.from({ length: 8 }, () => middle + 0.1 * rng.gaussian()));
};
const drawsAbout = (middle: number, count = 6) =>
  Array.from({ length: count }, (_, d) => [claimOf(spreadAbout(middle, 10 + d))]);

describe("verdicts", () => {
  test.each([
    [2, 1, 1, "supported", "supported", "training adds"],
    [1, 2, 1, "supported", "supported", "training takes away"],
    [1, 2, -1, "contradicted", "contradicted", "training adds"],
    [1, -1, 1, "supported", "contradicted", "training adds"],
    [1, 1, 1, "supported", "supported", "no difference shown"],
  ] as const)("trained %d, control %d, sign %d: %s, %s, %s", (own, other, sign, trained, control, difference) => {
    const claim = claimOf(spreadAbout(own, 1), { sign });
    const draws = drawsAbout(other).map(([drawn]) => [{ ...drawn!, effect: { ...drawn!.effect, sign } }]);
    const [verdict] = judge([claim], [{ kind: "permuted", draws }]);
    expect(verdict).toMatchObject({ verdict: trained, controls: [{ verdict: control, difference }] });
    expect(verdict!.controls[0]!.differenceBecause).toMatch(/^Trained minus control: .* n = 8 images × 6 draws\)\.$/);
  });

  test("with five draws, what a control and a difference say is undecided; a network before training needs one", () => {
    const claim = claimOf(spreadAbout(2, 1));
    const [few] = judge([claim], [{ kind: "permuted", draws: drawsAbout(1, 5) }]);
    expect(few!.controls[0]).toMatchObject({ verdict: "undecided", difference: "undecided" });
    const [one] = judge([claim], [{ kind: "initial", one: true, draws: drawsAbout(1, 1) }]);
    expect(one!.controls[0]).toMatchObject({ verdict: "supported", difference: "training adds" });
  });

  test("so is a difference whose upper bounds are known of five draws; without any number, it is said once", () => {
    const bounded = claimOf(spreadAbout(3, 1), { atMost: spreadAbout(5, 1) });
    const draws = Array.from({ length: 6 }, (_, d) => {
      const atMost = d === 0 ? meanSample([]) : spreadAbout(2, 20 + d);
      return [claimOf(spreadAbout(1, 20 + d), { atMost })];
    });
    const [few] = judge([bounded], [{ kind: "permuted", draws }]);
    expect(few!.controls[0]).toMatchObject({ verdict: "undecided", difference: "undecided" });
    const [none] = judge([claimOf(spreadAbout(2, 1))], [{ kind: "permuted", draws: [[claimOf(meanSample([]))]] }]);
    expect(none!.controls[0]!.differenceBecause).toBe("Trained minus control: not known of any image.");
  });

  test("numbers that are only bounded differ if their ranges do", () => {
    const bounded = (least: number, most: number, seed: number) =>
      claimOf(spreadAbout(least, seed), { atMost: spreadAbout(most, seed) });
    const draws = (least: number, most: number) => Array.from({ length: 6 }, (_, d) => [bounded(least, most, 20 + d)]);
    const differenceOf = (least: number, most: number) =>
      judge([bounded(3, 5, 1)], [{ kind: "permuted", draws: draws(least, most) }])[0]!.controls[0]!.difference;
    expect(differenceOf(1, 2)).toBe("training adds");
    expect(differenceOf(6, 7)).toBe("training takes away");
    expect(differenceOf(1, 4)).toBe("no difference shown");
  });
});

test("a draw of which a table could not be measured has no part in it", () => {
  const estimate = { value: 1, low: 0, high: 2, n: 8, sample: spreadAbout(1, 1) };
  const tables = ["some", "all"].map((id) => ({ id, caption: "", columns: ["tap", "x"], rows: [["a", estimate]] }));
  const of = (shown: Findings["tables"]) => findingsOf({ tables: shown, charts: [], claims: [] });
  const draws = [...Array.from({ length: 6 }, () => of(tables)), of(tables.slice(1))];
  const found = withControls(of(tables), [{ kind: "permuted", draws }]);
  expect(found.tables.map(({ rows }) => rows[0]![2])).toMatchObject([{ draws: 6 }, { draws: 7 }]);
});

test("a table has columns of controls and differences, found by the names of rows; the numbers behind verdicts give them again", () => {
  const findings = (of: (row: string) => Sample, claims: readonly TestedClaim[]): Findings => {
    const estimate = (row: string) => ({ value: of(row).of(of(row).images), low: 0, high: 1, n: 8, sample: of(row) });
    const rows = ["a", "b"].map((row) => [row, estimate(row), 7]);
    const table = { id: "t", caption: "It.", columns: ["tap", "x", "count"], rows };
    return findingsOf({ tables: [table], charts: [], claims });
  };
  const trained = findings((row) => spreadAbout(row === "a" ? 1 : 5, 1), [claimOf(spreadAbout(2, 1))]);
  const draws = drawsAbout(1).map((claims, d) => findings((row) => spreadAbout(row === "a" ? 2 : 3, d + 2), claims));
  const controls = [{ kind: "matched", draws }];
  const found = withControls(trained, controls);
  const { columns, rows } = flatTable(found.tables[0]!);
  expect(columns.filter((name) => !/low|high/.test(name))).toEqual([
    "tap",
    "x",
    "x, matched",
    "x, trained − matched",
    "count",
  ]);
  const at = (row: number, name: string) => Number(rows[row]![columns.indexOf(name)]);
  expect(at(0, "x, matched")).toBeCloseTo(2, 0);
  expect(at(1, "x, trained − matched")).toBeCloseTo(2, 0);
  expect(at(1, "x, trained − matched, low")).toBeLessThan(at(1, "x, trained − matched"));

  const behind = claimsTable(trained, controls);
  const of = (control: string, without: number | "") =>
    behind.rows
      .find((row) => row[2] === control && row[3] === without)!
      .slice(4)
      .filter((cell) => cell !== "")
      .map(Number);
  expect(behind.rows).toHaveLength(2 * (1 + 8));
  expect(of("", "")).toHaveLength(1);
  const [own, ...drawn] = of("matched", "");
  const difference = own! - drawn.reduce((sum, one) => sum + one / 6, 0);
  expect(found.verdicts[0]!.controls[0]!.differenceBecause).toContain(`: ${difference.toPrecision(3)} (`);
  expect(of("matched", 8)).toHaveLength(7);
});
