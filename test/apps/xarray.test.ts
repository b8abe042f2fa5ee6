import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { hasXarray, python, withoutXarray } from "../support/python.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomPng, type Workplace } from "./workplace.ts";

const script = fileURLToPath(new URL("select-run.py", import.meta.url));

describe.skipIf(!hasXarray())(`xarray (${withoutXarray})`, () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await createWorkplace({
      "net.onnx": writeModel(convnet()),
      "pictures/two/x.png": await randomPng(12, 12, 1),
      "pictures/zwölf/x.png": await randomPng(12, 12, 2),
    });
  });
  afterAll(() => place.remove());

  test("selects by labels the numbers that --json printed", async () => {
    const command = ["spectrum", "net.onnx", "pictures", "--preprocess", "none", "-k", "30", "--out", "run", "--json"];
    const { code, stdout } = await pushforward(command, { cwd: place.folder });
    expect(code).toBe(0);
    const byLabels = execFileSync(python, [script, place.path("run")], { encoding: "utf8" });
    const parsed = (lines: string) =>
      lines
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
    const printed = parsed(stdout);
    expect(printed).toHaveLength(12);
    expect(printed.map(({ input }) => input)).toContain("zwölf/x.png");
    expect(parsed(byLabels)).toHaveLength(12);
    expect(parsed(byLabels)).toEqual(expect.arrayContaining(printed));
  });
});
