import { describe, expect, test } from "vitest";
import type { ImageDecoder } from "../../src/images/index.ts";

/** The smallest pictures in files, and the pixels that any decoder must find in them. */
export interface DecoderRow {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** [height, width, RGB or RGBA] */
  readonly pixels: readonly number[];
}

/** What every image decoder must do; each platform's test hands in its own with files that it can read. */
export function describeImageDecoder(decoder: ImageDecoder, rows: readonly DecoderRow[]): void {
  describe("conforms", () => {
    test.each(rows)("reads $name", async ({ bytes, width, height, pixels }) => {
      const image = await decoder.decode(bytes);
      expect([image.width, image.height]).toEqual([width, height]);
      expect(image.data).toHaveLength(width * height * image.channels);
      expect(Array.from(image.data)).toEqual(pixels);
    });

    test.each([
      { broken: "text", bytes: new TextEncoder().encode("no picture") },
      { broken: "nothing", bytes: new Uint8Array(0) },
      { broken: "half a file", bytes: rows[0]!.bytes.subarray(0, rows[0]!.bytes.length - 30) },
    ])("refuses $broken", async ({ bytes }) => {
      await expect(decoder.decode(bytes)).rejects.toMatchObject({ code: "image-undecodable" });
    });
  });
}
