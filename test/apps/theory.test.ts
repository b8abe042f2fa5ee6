import { afterAll, beforeAll, expect, test } from "vitest";
import { experiments } from "../../src/experiments/index.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({});
});
afterAll(() => place.remove());

const theory = (...args: readonly string[]) => pushforward(["theory", ...args], { cwd: place.folder });
const quickDepth = ["depth", "--quick", "--depth", "2,99", "--start", "0.5,0.001", "--steps", "3000"];

test("without a name, or with `list`, it lists every experiment with its question", async () => {
  for (const args of [[], ["list"]]) {
    const { code, stdout } = await theory(...args);
    expect(code).toBe(0);
    for (const { name, question } of experiments)
      expect(stdout).toMatch(new RegExp(`^${name} .*${question.replace(/[?.*+|()[\]]/g, "\\$&")}`, "m"));
  }
});

test("--json prints one object for each prediction, with the keys that scripts rely on", async () => {
  const { code, stdout } = await theory(...quickDepth, "--json");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ setting }) => setting)).toEqual([
    { depth: 2, start: 0.5, by: "engine" },
    { depth: 99, start: 0.5, by: "engine" },
    { depth: 2, start: 0.001, by: "engine" },
    { depth: 99, start: 0.001, by: "recursion" },
  ]);
  for (const line of lines) {
    expect(Object.keys(line).join(", ")).toBe(
      "name, setting, quantity, predicted, measured, low, high, n, source, precision, verdict",
    );
    expect(line).toMatchObject({ name: "depth", precision: { relative: 0.02 }, verdict: "holds" });
    expect(Math.abs(line.measured / line.predicted - 1)).toBeLessThan(0.02);
  }
  expect(code).toBe(0);
});

test("the same seed gives the same numbers, and a table and a figure show them", async () => {
  const args = ["mean-field", "--activation", "tanh", "--gain", "1.5", "--width", "60", "--depth", "6", "--draws", "5"];
  const [one, again, table] = await Promise.all([
    theory(...args, "--json"),
    theory(...args, "--json"),
    theory(...args, "--out", "figures"),
  ]);
  expect(again.stdout).toBe(one.stdout);
  const { measured } = JSON.parse(one.stdout.split("\n")[0]!);
  expect(table.stdout).toContain(String(Number(measured.toPrecision(3))));
  expect(table.stdout).toContain("It would be falsified by");
  expect(await place.list("figures")).toEqual(["mean-field-chi.png", "mean-field-chi.svg"]);
});

test("too few draws to decide a prediction end with exit code 1", async () => {
  const { code, stdout } = await theory(
    "isometry",
    "--activation",
    "tanh",
    "--weights",
    "gaussian",
    "--depth",
    "6",
    "--width",
    "20",
    "--draws",
    "4",
  );
  expect(stdout).toMatch(/undecided|misses/);
  expect(code).toBe(1);
});

test.each([
  [["isometri"], 'There is no experiment "isometri".', 'Did you mean "isometry"?'],
  [["depth", "--activation", "tanh"], "The experiment depth has no option --activation.", "It has --depth"],
  [["depth", "--depth", "two"], '"two" is not a whole number of at least 2.', "--depth 2"],
  [["isometry", "--weights", "uniform"], '"uniform" is not one of gaussian, orthogonal.', "--weights gaussian"],
  [["depth", "--rate", "2"], "With the rate c = 2, gradient descent does not converge.", "Choose c below 2."],
])("%j is refused", async (args, what, fix) => {
  const { code, stderr } = await theory(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(what);
  expect(stderr).toContain(fix);
});
