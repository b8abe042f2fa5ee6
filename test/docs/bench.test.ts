import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import type { BenchResult } from "../../bench/result.ts";
import { benches, benchPage } from "../../scripts/bench-page.ts";
import { readPage, root } from "./markdown.ts";

test("docs/bench.md is what the stored results give (npm run docs brings it up to date)", () => {
  expect(readPage("docs/bench.md")).toBe(benchPage());
});

test("every stored result has its section", () => {
  const folder = join(root, "bench", "results");
  const stored = existsSync(folder) ? readdirSync(folder).map((file) => basename(file, ".json")) : [];
  expect(benches.map(({ name }) => name)).toEqual(expect.arrayContaining(stored));
});

const result: BenchResult = {
  command: "npm run bench",
  machine: { cpu: "Abacus", cores: 2, memory: 24 },
  versions: { pushforward: "1.0.0", node: "20.0.0", onnxruntime: "1.0.0" },
  results: [
    {
      title: "Cost",
      note: "Of a product.",
      columns: ["tap", "ms", "range"],
      rows: [
        ["conv1|relu1", 2.34567, "3–4"],
        ["fc6", 12_345, ""],
      ],
    },
  ],
};

test("a section has the command, the machine, the versions and a table; what has no result has none", () => {
  const page = benchPage((name) => (name === "products" ? result : undefined));
  expect(page.slice(page.indexOf("\n## "))).toBe(`
## Products

\`npm run bench\`
on 2 cores of Abacus, 24 GiB; pushforward 1.0.0, node 20.0.0, onnxruntime 1.0.0.

**Cost.** Of a product.

| tap | ms | range |
| --- | ---: | --- |
| conv1\\|relu1 | 2.35 | 3–4 |
| fc6 | 12345 |  |
`);
  expect(page).not.toContain("## Peers");
});

test("a row that does not fit its columns is an error", () => {
  const crooked = { ...result, results: [{ title: "Cost", columns: ["tap"], rows: [["conv1", 2]] }] };
  expect(() => benchPage(() => crooked)).toThrow("Cost: a row of 2 cells, not 1");
});
