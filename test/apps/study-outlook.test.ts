import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pushforward } from "./command-line.ts";
import { digitNames, quickly } from "./digits.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({});
});
afterAll(() => place.remove());

const linesOf = ({ stderr }: { stderr: string }) => stderr.split("\n");
const time =
  /^note: (?:the study \w+|\d studies), (?:less than )?\d+ (?:s|min).* \(by counting operations\); about (\d+) MB on disk$/;

test("a study says what it will take and what will be undecided before it starts, and takes that", async () => {
  const outcome = await pushforward(["study", "spectra", ...quickly], { cwd: place.folder });
  expect(outcome.code).toBe(0);
  const lines = linesOf(outcome);
  const [told, undecided, first] = [
    lines.findIndex((line) => time.test(line)),
    lines.indexOf(
      `note: claims will be undecided for lack of images, as a verdict needs at least 6: spectra (${digitNames.length})`,
    ),
    lines.findIndex((line) => line.startsWith("[1/")),
  ];
  expect(told).toBeGreaterThanOrEqual(0);
  expect(undecided).toBeGreaterThan(told);
  expect(first).toBeGreaterThan(undecided);
  const taken = execFileSync("du", ["-s", "--block-size=1", "studies"], { cwd: place.folder, encoding: "utf8" });
  const ratio = (1e6 * Number(time.exec(lines[told]!)![1])) / Number.parseInt(taken, 10);
  expect(ratio).toBeGreaterThan(0.4);
  expect(ratio).toBeLessThan(2.5);

  const again = linesOf(await pushforward(["study", "spectra", ...quickly], { cwd: place.folder }));
  expect(again.filter((line) => time.test(line))).toEqual([]);
}, 120_000);

test("all studies are told together, without those that do not suit the inputs", async () => {
  const [model, first, second, third, ...rest] = quickly.filter((word) => !word.includes("2-0356"));
  const args = ["paper", model!, first!, second!, third!, ...rest.map((word) => (word === "studies" ? "all" : word))];
  const lines = linesOf(await pushforward(args, { cwd: place.folder }));
  expect(lines.some((line) => line.startsWith("note: 6 studies, "))).toBe(true);
  expect(lines.find((line) => line.startsWith("note: claims will be undecided"))).toMatch(/ noise \(2\)/);
}, 180_000);
