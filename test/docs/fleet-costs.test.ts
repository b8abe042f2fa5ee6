import { expect, test } from "vitest";
import type { BenchResult } from "../../bench/result.ts";
import { withCosts } from "../../scripts/fleet-costs.ts";
import { readPage } from "./markdown.ts";

const page = readPage("docs/many-machines.md");

test("docs/many-machines.md has the costs that the stored result gives (npm run docs brings it up to date)", () => {
  expect(page).toBe(withCosts(page));
});

const result: BenchResult = {
  command: "npm run bench:fleet",
  machine: { cpu: "Abacus", cores: 2, memory: 24 },
  versions: { pushforward: "1.0.0", node: "20.0.0", onnxruntime: "1.0.0" },
  results: [
    {
      title: "Many workers",
      columns: ["network", "k", "workers", "core-hours", "hours", "computing, %", "bound"],
      rows: [
        ["Net", 100, 1, 9123.4, 9123.4, 99, "computing (99 %)"],
        ["Net", 100, 100, 9200, 92, 98, "computing (98 %)"],
        ["Net", 100, 10_000, 21_000, 2.13, 43, "requests to S3 (50 %)"],
      ],
    },
    {
      title: "What is stored",
      columns: ["network", "k", "units", "objects", "MB a unit", "TB", "TB without vectors"],
      rows: [["Net", 100, 1000, 11_000, 33, 107.3, 0.02]],
    },
    {
      title: "The command that enqueues",
      columns: ["network", "before the first job, h", "memory for inputs, GB", "telling of units, h", "a look, s"],
      rows: [["Net", 7.35, 30.1, 812, 325]],
    },
    {
      title: "The model against reality",
      columns: ["measure", "value"],
      rows: [
        ["units", 240],
        ["two workers, predicted / measured", 0.8],
        ["two workers against one, without starting", 1.91],
        ["two workers of one thread against one worker of two threads, without starting", 1.52],
        ["queue and claims, ms a unit", 4.04],
      ],
    },
  ],
};

test("the section has a row for each network and k, with the numbers of the result", () => {
  const section = withCosts(page, result);
  expect(section).toContain(`## What it costs`);
  expect(section).toContain(`
| network | k | TB | core-hours | hours of 100 | hours of 10,000 | what bounds 10,000 |
| --- | --- | --- | --- | --- | --- | --- |
| Net | 100 | 110 | 9,100 | 92 | 2.1 | requests to S3 (50 %) |
`);
  expect(section).toContain("hours before the\nfirst job, 7.4 for Net; GB, 30 for Net.");
  expect(section).toMatch(/real run of 240 units, two workers took as long as the simulation says times 1\.3\./);
  expect(withCosts(section)).toBe(page);
});
