import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withoutOnnxRuntime, withoutXarray } from "../support/python.ts";
import { examplesOf, moduleOf, printedBy } from "./examples.ts";
import { fencesOf, pages, readPage, root } from "./markdown.ts";
import { disagreement } from "./printed.ts";

const running = pages.filter((page) => examplesOf(page).length > 0);
const inLanguage = (language: string) =>
  running.filter((page) => examplesOf(page).some(({ block }) => block.info === language));

test("examples are found where they should be", () => {
  expect(inLanguage("ts")).toEqual(["README.md", "docs/how-it-works.md", "docs/theory.md", "docs/training.md"]);
  expect(inLanguage("sh")).toEqual([
    "README.md",
    "docs/command-line.md",
    "docs/exported.md",
    "docs/results.md",
    "docs/search.md",
    "docs/training.md",
  ]);
  expect(inLanguage("python")).toEqual(["docs/exported.md", "docs/results.md", "docs/training.md"]);
});

/** Seconds that the examples of each page took. */
const seconds = new Map<string, number>();

test.for(running)("%s prints what it says", { timeout: 180_000 }, async (page, { skip }) => {
  const started = performance.now();
  const printed = await printedBy(page);
  seconds.set(page, (performance.now() - started) / 1000);
  const wrong = examplesOf(page).flatMap(({ block, expected }, i) => {
    const problem = disagreement(printed[i] ?? expected?.text ?? "", expected?.text ?? "");
    return problem === undefined ? [] : [`${page}:${block.line} ${problem}\nnpm run docs brings it up to date`];
  });
  expect(wrong).toEqual([]);
  skip(printed.includes(undefined), page.includes("exported") ? withoutOnnxRuntime : withoutXarray);
});

test("the README's tour shows what it prints, and ends within two minutes", () => {
  const commands = fencesOf(readPage("README.md")).filter(({ info }) => info === "sh");
  const tour = examplesOf("README.md").filter(({ block }) => block.info === "sh");
  expect(tour.length).toBeGreaterThan(0);
  // Whatever else the page tells to run is npm's: it needs no file that is not in the clone.
  for (const { text } of commands.filter(({ line }) => !tour.some(({ block }) => block.line === line))) {
    for (const line of text.split("\n")) expect(line).toMatch(/^(?:[A-Z_]+=\S+ )?npm (?:start|test|pack|install) */);
  }
  for (const { block, expected } of tour) expect(expected, block.text).toBeDefined();
  expect(seconds.get("README.md")).toBeLessThan(120);
});

test("their TypeScript has no type errors", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "pushforward-docs-"));
  const files = inLanguage("ts").map((page) => ({ page, file: join(folder, `${page.replaceAll("/", "-")}.mts`) }));
  for (const { page, file } of files) await writeFile(file, moduleOf(page));
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      typeRoots: [join(root, "node_modules/@types")],
      rewriteRelativeImportExtensions: false,
      noUnusedLocals: false,
    },
    include: [],
    files: files.map(({ file }) => file),
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const errors = await new Promise((resolve) => {
    execFile(process.execPath, [tsc, "-p", folder], (_failure, stdout) => resolve(stdout));
  });
  await rm(folder, { recursive: true });
  expect(errors).toBe("");
});

/** A block whose info names a file (`ts src/…`) quotes it: the lines stand there as they are, apart from indentation. */
const quotations = pages.flatMap((page) =>
  fencesOf(readPage(page))
    .filter(({ info }) => /^\w+ \S+\//.test(info))
    .map(({ info, text, line }) => ({ at: `${page}:${line}`, file: info.replace(/^\w+ /, ""), text })),
);
const unindented = (text: string) => text.replace(/^[ \t]+/gm, "");

test.each(quotations)("$at quotes $file", ({ file, text }) => {
  expect(existsSync(join(root, file))).toBe(true);
  expect(unindented(readFileSync(join(root, file), "utf8"))).toContain(unindented(text));
});
