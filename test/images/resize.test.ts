import { describe, expect, test } from "vitest";
import { resize } from "../../src/images/resize.ts";
import type { DecodedImage } from "../../src/images/types.ts";
import fixture from "./fixtures/resize.json" with { type: "json" };

function grey(height: number, width: number, data: readonly number[]): DecodedImage {
  return { width, height, channels: 1, data: Uint8Array.from(data) };
}

describe(`equals ${fixture.madeBy}, level by level`, () => {
  test.each(fixture.rows)("$from to $to, $channels channels", (row) => {
    const [height, width] = row.from as [number, number];
    const [toHeight, toWidth] = row.to as [number, number];
    const channels = row.channels as DecodedImage["channels"];
    const resized = resize({ width, height, channels, data: Uint8Array.from(row.data) }, toHeight, toWidth);
    expect([resized.height, resized.width, resized.channels]).toEqual([toHeight, toWidth, channels]);
    expect(Array.from(resized.data)).toEqual(row.expected);
  });
});

describe("resize", () => {
  test("leaves an image of the wanted size alone", () => {
    const image = grey(2, 3, [0, 1, 2, 253, 254, 255]);
    expect(resize(image, 2, 3)).toEqual(image);
  });

  test("keeps a plain image plain, white included", () => {
    const image = grey(31, 17, new Array(31 * 17).fill(255));
    expect(new Set(resize(image, 7, 40).data)).toEqual(new Set([255]));
  });

  test("halves by weights 1, 3, 3, 1", () => {
    expect(Array.from(resize(grey(1, 8, [0, 0, 0, 80, 80, 0, 0, 0]), 1, 4).data)).toEqual([0, 40, 40, 0]);
  });

  test("refuses an empty target", () => {
    expect(() => resize(grey(1, 1, [0]), 0, 3)).toThrow(/resized to 0×3/);
  });
});
