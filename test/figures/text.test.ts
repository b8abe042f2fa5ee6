import { expect, test } from "vitest";
import { dodge } from "../../src/figures/curve-labels.ts";
import { escapeXml, shorten, wrapped } from "../../src/figures/text.ts";

test("text for XML: markup escaped, forbidden characters replaced", () => {
  expect(escapeXml(`<a href="x">&'\u0000`)).toBe("&lt;a href=&quot;x&quot;&gt;&amp;&#39;\ufffd");
});

test("long names keep both ends; wide letters count twice", () => {
  expect(shorten("layer1.0.conv1.weight", 11)).toBe("layer…eight");
  expect(shorten("short", 11)).toBe("short");
  expect(shorten("畳み込み層一番", 7)).toBe("畳み…番");
});

test("labels are pushed apart in order and stay in range", () => {
  expect(dodge([5, 5, 100, 4], 10, 0, 100)).toEqual([14, 24, 100, 4]);
  expect(dodge([99, 100], 10, 0, 100)).toEqual([90, 100]);
});

test("a title is broken between words", () => {
  expect(wrapped("Where the linear prediction parts", 12)).toEqual(["Where the", "linear", "prediction", "parts"]);
  expect(wrapped("short", 12)).toEqual(["short"]);
});
