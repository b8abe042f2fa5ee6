import { expect, test } from "vitest";
import { opsPage } from "../../scripts/docs.ts";
import { differentiable } from "../../src/autodiff/operators/index.ts";
import { readPage } from "./markdown.ts";

const page = readPage("docs/ops.md");

test("docs/ops.md is what its tables give (npm run docs brings it up to date)", { timeout: 60_000 }, async () => {
  expect(page).toBe(await opsPage());
});

test("it lists every operator once", () => {
  const listed = [...page.split("## Linear operations")[0]!.matchAll(/^\| `(\w+)` \|/gm)].map(([, op]) => op!);
  expect(listed.sort()).toEqual(Object.keys(differentiable).sort());
});
