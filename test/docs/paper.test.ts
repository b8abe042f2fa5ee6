import { describe, expect, test } from "vitest";
import { cameOut, rowAt } from "../../scripts/paper/beyond.ts";
import { expectations, fateOf } from "../../scripts/paper/expectations.ts";
import { paperFigures } from "../../scripts/paper/figures.ts";
import { paperPage } from "../../scripts/paper/page.ts";
import { type PaperRecord, type PaperVerdict, readRecords } from "../../scripts/paper/records.ts";
import { measures, trialRows } from "../../scripts/paper/trial.ts";
import { rounded } from "../figures/units.ts";
import { readPage } from "./markdown.ts";

const page = readPage("docs/paper.md");

/** The cells of the rows of all tables of a page, without heads. */
const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter(
      (line, i, lines) => line.startsWith("|") && !/^\|[ -:|]+$/.test(line) && !/^\|[ -:|]+$/.test(lines[i + 1] ?? ""),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );

test("docs/paper.md is what the kept findings give (npm run paper:page brings it up to date)", () => {
  const figures = paperFigures(readRecords());
  expect(page).toBe(paperPage(readRecords(), figures));
  expect(figures.length).toBeGreaterThan(25);
  for (const { file, svg } of figures) {
    expect(rounded(readPage(`docs/${file}`)), file).toBe(rounded(svg));
    expect(svg.length, file).toBeLessThan(60_000);
    expect(svg, file).not.toMatch(/NaN|Infinity/);
  }
});

test("the page begins with a table of the nine claims, whose links lead to their sections", () => {
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!);
  expect(headings[0]).toBe("What the paper saw, what a control sees, and what training adds");
  const first = page.slice(page.indexOf(`## ${headings[0]}`), page.indexOf(`## ${headings[1]}`));
  const links = [...first.matchAll(/^\| \[(.*?)\]\(#/gm)].map(([, text]) => text!);
  expect(links).toHaveLength(9);
  expect(headings.slice(-10, -1)).toEqual(links);
  expect(first.match(/^- \*\*/gm)).toHaveLength(9);
});

test("no cell of a table is long, and no number is missing in a sentence", () => {
  const long = rowsOf(page).flatMap((cells) => cells.filter((cell) => cell.split(/\s+/).length > 40));
  expect(long).toEqual([]);
  expect(page).not.toMatch(/NaN|undefined|null|Infinity/);
});

describe("a small record", () => {
  const interval = (value: number) => ({ value, low: value - 0.125, high: value + 0.125, n: 8 });
  const drawn = (value: number) => ({ ...interval(value), draws: 6 });
  const verdict: PaperVerdict = {
    ...{ id: "steeper", on: "steep", claim: "It is steep.", verdict: "supported", because: "Steepness: 0.5." },
    numbers: { measure: interval(0.5) },
    effect: { what: "Steepness", sign: 1, none: 0, note: "It grows." },
    controls: [
      {
        ...{ kind: "matched", verdict: "supported", because: "Steepness: 0.75." },
        numbers: { measure: drawn(0.75) },
        ...{ difference: "training takes away", differences: [drawn(-0.25)], differenceBecause: "−0.25" },
      },
    ],
  };
  const record: PaperRecord = {
    ...{ network: "net", study: "spectra", inputs: 8, taps: ["a", "b"], seconds: 61, ofSpectra: 120 },
    controls: [{ kind: "matched", draws: [1, 2, 3, 4, 5, 6], seconds: 366, ofSpectra: 720 }],
    verdicts: [verdict],
    tables: ["spectra-by-tap.csv", "spectra-claims.csv"],
    manifest: {
      model: { file: "net.onnx", sha256: "0123456789abcdef" },
      preprocess: { name: "none", unit: "1", settings: {} },
      params: { directions: [1, 2] },
      seed: 3,
      spectra: { k: 5, tol: 1e-5, vectors: 2 },
      versions: {},
      created: "",
    },
  };
  const small = paperPage([record]);

  test("is told in the first table, in a sentence and in its section, with numbers, intervals and n", () => {
    expect(small).toContain("| **1** of 1 | **1** of 1 | **takes away** in 1 | – |");
    expect(small).toContain(
      "1 of 1 trained networks and 1 of 1 matched controls support it. Training takes away from it in net.",
    );
    expect(small).toContain(
      "which the claim asks to be above 0: **net** 0.500 with training, 0.750 in the control, difference −0.250 (−0.375 to −0.125; n = 8 × 6).",
    );
    expect(small).toContain("| net | trained | 0.500 (0.375 to 0.625) | 8 | **supported** |  |  |");
    expect(small).toContain(
      "| net | matched | 0.750 (0.625 to 0.875) | 8 × 6 | supported | −0.250 (−0.375 to −0.125) | **training takes away** |",
    );
    expect(small).toContain("- *net*: It is steep. Number: steepness. It grows.");
    expect(small.match(/^Not measured\.$/gm)).toHaveLength(8);
  });

  test("is held against what was expected, and its sources are told", () => {
    expect(small).toContain("| supported / supported / training takes away | **met** / **met** / **met** |");
    expect(small).toContain(
      "| net | spectra | 8 | 5 | 2 | 3 | 6 matched | 1 min 1 s | 2 min 0 s | 6 min 6 s | 12 min 0 s | [by-tap](paper/net/spectra-by-tap.csv), [claims](paper/net/spectra-claims.csv) |",
    );
    expect(small).toContain("- spectra: directions 1, 2; tol 0.00001; vectors 2; unit 1 (net)");
  });

  test("several tests of one claim are counted by network", () => {
    const few: PaperVerdict = {
      ...verdict,
      ...{ id: "few", verdict: "contradicted" },
      controls: [{ ...verdict.controls[0]!, difference: "training adds" }],
    };
    const both = paperPage([{ ...record, verdicts: [verdict, few] }]);
    expect(both).toContain("| **0** of 1, 1 in part | **1** of 1 | both in 1 | – |");
  });

  test("a verdict without a name on the page is refused", () => {
    const unknown = { ...record, verdicts: [{ ...verdict, id: "new" }] };
    expect(() => paperPage([unknown])).toThrow("no entry for spectra: new");
  });
});

describe("what was expected", () => {
  test("is what the note on controls says", () => {
    const [, table = ""] = /\| claim \| trained \| matched \| difference \|\n\|.*\n((?:\|.*\n)+)/.exec(
      readPage("docs/notes/controls.md"),
    )!;
    const noted = rowsOf(table).map(([claim, trained, control, difference]) => ({
      ...{ claim, trained, control },
      difference: difference!.split(":")[0],
    }));
    expect(expectations.map(({ ids, ...row }) => row)).toEqual(noted);
  });

  test.each([
    ["supported", "supported", "met"],
    ["supported", "not supported", "open"],
    ["supported", "contradicted", "contradicted"],
    ["not supported", "supported", "contradicted"],
    ["not supported", "contradicted", "met"],
    ["not supported", "undecided", "open"],
    ["open", "supported", undefined],
  ] as const)("expected %s, came out %s: %s", (expected, verdict, fate) => {
    expect(fateOf(expected, verdict)).toBe(fate);
  });
});

describe("the trial again", () => {
  const before = trialRows.find(({ measure, tap }) => measure === measures.participation && tap === "logits")!;
  const at = (value: number, half = 0.5) => ({ value, low: value - half, high: value + half });
  const row = (trained: number, permuted: number, matched: number, half = 0.5) => ({
    ...{ trained: at(trained), permuted: at(permuted), matched: at(matched) },
    ...{ fromPermuted: at(trained - permuted, half), fromMatched: at(trained - matched, half) },
  });

  // In the trial: permuted 2.5 < matched 4.15 < trained 12.4.
  test.each([
    [row(9, 3, 5), "yes", ""],
    [row(9, 5, 3), "in part", "the order is matched < permuted < trained, and was permuted < matched < trained"],
    [row(9, 3, 5, 6), "no", "trained − matched includes zero"],
    [
      row(4, 3, 5),
      "no",
      "trained − matched has the other sign, and the order is permuted < trained < matched, and was permuted < matched < trained",
    ],
  ] as const)("%#: %s comes out again: %s", (now, outcome, why) => {
    expect(cameOut(before, now)).toEqual({ outcome, why });
  });

  test("numbers are found by the names of their columns", () => {
    const columns = ["", ", permuted", ", trained − permuted", ", matched", ", trained − matched"].flatMap((of) =>
      ["", ", low", ", high"].map((end) => `participation_ratio${of}${end}`),
    );
    const cells = {
      columns: ["tap", ...columns],
      rows: [["logits", ...columns.map((_, i) => (i === 2 ? "" : String(i)))]],
    };
    const found = rowAt(cells, measures.participation, "logits")!;
    expect(found.trained).toEqual({ value: 0, low: 1, high: Number.NaN });
    expect(found.fromPermuted).toEqual({ value: 6, low: 7, high: 8 });
    expect(found.fromMatched).toEqual({ value: 12, low: 13, high: 14 });
    expect(rowAt(cells, measures.rank, "logits")).toBeUndefined();
    expect(rowAt(cells, measures.participation, "pool1")).toBeUndefined();
  });
});
