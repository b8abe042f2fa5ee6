import { expect, test } from "vitest";
import { paperFigures } from "../../scripts/paper-figures.ts";
import { type PaperRecord, paperPage, readRecords } from "../../scripts/paper-page.ts";
import { rounded } from "../figures/units.ts";
import { readPage } from "./markdown.ts";

test("docs/paper.md is what the kept findings give (npm run paper:page brings it up to date)", () => {
  const figures = paperFigures(readRecords());
  expect(readPage("docs/paper.md")).toBe(paperPage(readRecords(), figures));
  expect(figures.length).toBeGreaterThan(25);
  for (const { file, svg } of figures) {
    expect(rounded(readPage(`docs/${file}`)), file).toBe(rounded(svg));
    expect(svg.length, file).toBeLessThan(60_000);
    expect(svg, file).not.toMatch(/NaN|Infinity/);
  }
});

test("the table of claims comes first, and its links lead to the claims", () => {
  const page = readPage("docs/paper.md");
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  expect(page.indexOf("| the paper |")).toBeLessThan(page.indexOf("\n## "));
  expect(page.match(/\]\(#/g)).toHaveLength(9);
  expect(headings).toHaveLength(9 + 2);
});

test("a claim has the verdicts of every network, and says where it has none", () => {
  const record: PaperRecord = {
    network: "net",
    study: "spectra",
    inputs: 2,
    seconds: 61,
    ofSpectra: 120,
    verdicts: [
      {
        ...{ id: "steep", on: "steep", claim: "It is steep.", verdict: "supported", because: "0.5", controls: [] },
        numbers: { measure: { value: 0.5, low: 0.4, high: 0.6, n: 6 } },
      },
    ],
    tables: ["spectra-by-tap.csv"],
    manifest: {
      model: { file: "net.onnx", sha256: "00" },
      preprocess: { name: "none", unit: "1", settings: {} },
      params: { directions: [1, 2] },
      seed: 3,
      spectra: { k: 5, tol: 1e-5, vectors: 2 },
      versions: {},
      created: "",
    },
  };
  const page = paperPage([record]);
  expect(page).toContain("| net | It is steep. | **supported** | 0.5 |");
  expect(page).toContain("very-many-are-near-zero) | 1 supported |");
  expect(page.match(/Not measured/g)).toHaveLength(8);
  expect(page).toContain(
    "| net | spectra | 2 | 5 | 3 | directions 1, 2 | 1 min 1 s | 2 min 0 s | [spectra-by-tap.csv](paper/net/spectra-by-tap.csv) |",
  );
});
