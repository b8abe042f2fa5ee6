import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("beside controls, the lines that tell most have a panel each, with the controls in grey; a line of its own x keeps its order", () => {
  const folder = mkdtempSync(join(tmpdir(), "paper-"));
  const estimate = (name: string) => [name, `${name}, low`, `${name}, high`].map((cell) => `"${cell}"`);
  const measured = (name: string) => [name, `${name}, matched`, `${name}, trained − matched`].flatMap(estimate);
  const numbers = (trained: number, matched: number) =>
    [trained, matched, trained - matched].flatMap((value) => [value, value - 0.5, value + 0.5]);
  const figuresOf = (table: string, lines: readonly (readonly (string | number)[])[]) => {
    mkdirSync(join(folder, "net"), { recursive: true });
    writeFileSync(join(folder, "net", `${table}.csv`), lines.map((cells) => `${cells.join(",")}\n`).join(""));
    const figures = paperFigures([{ network: "net" }], folder);
    rmSync(join(folder, "net"), { recursive: true });
    return figures;
  };
  const linesOf = (svg: string, colour: string) =>
    [...svg.matchAll(/<g ([^>]*aria-label="line"[^>]*)><path d="([^"]+)"/g)]
      .filter(([, attributes]) => attributes!.includes(`stroke="${colour}"`))
      .map(([, , d]) => d!);
  const directions = ["first singular vectors", "middle ones", "last ones", "any direction", "towards another image"];
  const rows = directions.flatMap((direction) => [0.1, 1].map((a) => [direction, a, ...numbers(10 * a, 5 * a)]));
  const [shift] = figuresOf("directional-noise-by-amplitude", [
    ["direction", "amplitude", ...measured("shift")],
    ...rows,
  ]);
  expect(shift!.file).toBe("paper/net/directions.svg");
  expect(linesOf(shift!.svg, "#0072b2")).toHaveLength(4);
  expect(linesOf(shift!.svg, "#606060")).toHaveLength(4);
  expect(shift!.svg).not.toContain("middle ones");
  expect(shift!.caption).toContain("Grey shows controls (matched): networks of the same graph");

  const levels = [3, 1, 2].map((x, level) => [
    "gaussian",
    level,
    0.1 * (1 + level),
    ...numbers(x, x),
    ...numbers(0, -x),
  ]);
  const figures = figuresOf("noise-by-level", [
    ["kind", "level", "distance", ...measured("margin"), ...measured("log Σσ²"), ...measured("log σ")],
    ...levels.map((cells) => [...cells, ...numbers(-1, -2)]),
  ]);
  const { svg } = figures.find(({ on }) => on === "with the class")!;
  const places = linesOf(svg, "#606060")[0]!
    .split(/[ML]/)
    .slice(1)
    .map((point) => Number(point.split(",")[0]));
  expect(places[0]! > places[2]! && places[2]! > places[1]!).toBe(true);
  rmSync(folder, { recursive: true });
});
