import { describe, expect, test } from "vitest";
import { controlColours, depthColours, ink, kindColours, legible, softInk } from "../../src/figures/colours.ts";
import { contrast, differenceOf, kindsOfSight, labOf } from "./colour-science.ts";

const hexOf = (colour: string) =>
  colour.startsWith("#")
    ? colour
    : `#${(colour.match(/\d+/g) ?? []).map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;

test("the tests' own measures are those of the standards", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 10);
  expect(contrast("#767676", "#ffffff")).toBeCloseTo(4.54, 2);
  // Pairs of Sharma, Wu & Dalal 2005, table 1.
  expect(differenceOf([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 4);
  expect(differenceOf([50, 2.5, 0], [73, 25, -18])).toBeCloseTo(27.1492, 4);
  expect(differenceOf([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387])).toBeCloseTo(1.2644, 4);
  expect(differenceOf([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514])).toBeCloseTo(0.9082, 4);
});

describe("against the white ground", () => {
  test("lines of every kind and every depth stand out by 3:1", () => {
    const depths = [1, 2, 5, 25].flatMap(depthColours).map(hexOf);
    for (const colour of [...kindColours, ...controlColours, ...depths, softInk]) {
      expect(contrast(colour, "#ffffff"), colour).toBeGreaterThanOrEqual(3);
    }
  });

  test("letters stand out by 4.5:1, in ink and in the colour of a line", () => {
    const colours = [...kindColours, ...depthColours(25), "#ffff00", "#ffffff"].map(legible);
    for (const colour of [...colours, "#222222"]) {
      expect(contrast(colour, "#ffffff"), colour).toBeGreaterThanOrEqual(4.5);
    }
    expect(ink).toBe("#222");
    expect(legible("#0000cc")).toBe("#0000cc"); // dark enough as it is
  });
});

test.each(kindsOfSight)("ten kinds are told apart by %s sight", (kind) => {
  const seen = kindColours.map((colour) => labOf(colour, kind));
  const differences = seen.flatMap((a, i) => seen.slice(0, i).map((b) => differenceOf(a, b)));
  expect(differences).toHaveLength(45);
  expect(Math.min(...differences)).toBeGreaterThan(13);
});

test.each(kindsOfSight)("greys of controls are told apart, and from the first two kinds, by %s sight", (kind) => {
  const [dark, light, ...kinds] = [...controlColours, ...kindColours.slice(0, 2)].map((colour) => labOf(colour, kind));
  expect(differenceOf(dark!, light!)).toBeGreaterThan(20);
  for (const grey of [dark!, light!]) {
    for (const other of kinds) expect(differenceOf(grey, other)).toBeGreaterThan(20);
  }
});
