import { expect, test } from "vitest";
import { kinkSentence } from "../../src/apps/kinks.ts";

const kinks = [{ tap: "pool1", neurons: 0, windows: 3 }];

test("inputs are counted at which kinks were counted", () => {
  expect(
    kinkSentence([
      { input: "a", kinks },
      { input: "b", kinks: [] },
    ]),
  ).toMatch(/^At 1 of 2 inputs .*, at a\.$/);
  const old = kinkSentence([{ input: "a", kinks }, { input: "b" }, { input: "c" }]);
  expect(old).toMatch(/^At 1 of 1 input the network has kinks/);
  expect(old).toMatch(/ at a\. They were not counted at 2 inputs that an earlier version computed\.$/);
  expect(kinkSentence([{ input: "b" }])).toBeUndefined();
});
