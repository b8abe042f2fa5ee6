import { describe, expect, test } from "vitest";
import type { ImageDecoder } from "../../src/images/index.ts";
import { type Tiff, writeTiff } from "../support/tiff.ts";

/** The smallest pictures in files, and the pixels that any decoder must find in them. */
export interface DecoderRow {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** [height, width, RGB or RGBA] */
  readonly pixels: readonly number[];
}

const levels = [0, 60, 120, 255, 13, 200, 77, 31, 250, 99, 5, 180];
const bytesOf = (array: Float32Array | Float64Array | Int16Array | Int32Array | Uint32Array | Uint16Array) =>
  new Uint8Array(array.buffer);

/** A picture of 2 rows and 1 column. */
const tiff = (more: Omit<Tiff, "width" | "height">) => writeTiff({ width: 1, height: 2, ...more });
const plain = (samples: number, photometric: number, more: Partial<Tiff> = {}) =>
  tiff({ data: Uint8Array.from(levels.slice(0, 2 * samples)), bits: 8, samples, photometric, ...more });

const [GREY, RGB, CMYK, YCBCR, LAB] = [1, 2, 5, 6, 8];

/** TIFF files without a known black and white, and what each is. */
const withoutLevels: readonly { readonly what: string; readonly bytes: Uint8Array }[] = [
  {
    what: "holds floating-point numbers of 32 bits",
    bytes: tiff({ data: bytesOf(Float32Array.of(0.25, 1)), bits: 32, samples: 1, photometric: GREY, format: 3 }),
  },
  {
    what: "holds floating-point numbers of 32 bits",
    bytes: tiff({
      data: bytesOf(Float32Array.from(levels.slice(0, 6))),
      bits: 32,
      samples: 3,
      photometric: RGB,
      format: 3,
    }),
  },
  {
    what: "holds floating-point numbers of 64 bits",
    bytes: tiff({ data: bytesOf(Float64Array.of(0.25, 1)), bits: 64, samples: 1, photometric: GREY, format: 3 }),
  },
  {
    what: "holds complex numbers of 64 bits",
    bytes: tiff({ data: bytesOf(Float32Array.of(1, 0, 0, 1)), bits: 64, samples: 1, photometric: GREY, format: 6 }),
  },
  {
    what: "holds signed integers of 32 bits",
    bytes: tiff({ data: bytesOf(Int32Array.of(7, 255)), bits: 32, samples: 1, photometric: GREY, format: 2 }),
  },
  {
    what: "holds signed integers of 16 bits",
    bytes: tiff({ data: bytesOf(Int16Array.of(-7, 255)), bits: 16, samples: 1, photometric: GREY, format: 2 }),
  },
  { what: "holds signed integers of 8 bits", bytes: plain(1, GREY, { format: 2 }) },
  {
    what: "holds integers of 32 bits",
    bytes: tiff({ data: bytesOf(Uint32Array.of(7, 255)), bits: 32, samples: 1, photometric: GREY }),
  },
  { what: "holds integers of 12 bits", bytes: plain(2, GREY, { bits: 12, samples: 1 }) },
  { what: "has 5 channels", bytes: plain(5, RGB, { extra: [0, 0] }) },
  { what: "has 5 channels", bytes: plain(5, GREY, { extra: [0, 0, 0, 0] }) },
  { what: "has 5 channels", bytes: plain(5, RGB, { extra: [2, 0] }) },
  { what: "has 3 channels", bytes: plain(3, GREY, { extra: [0, 0] }) },
  { what: "has 4 channels and does not say that the last is transparency", bytes: plain(4, RGB, { extra: [0] }) },
  { what: "has 4 channels and does not say that the last is transparency", bytes: plain(4, RGB) },
  { what: "has 2 channels and does not say that the last is transparency", bytes: plain(2, GREY, { extra: [0] }) },
  {
    what: "is printed with other inks than cyan, magenta, yellow and black",
    bytes: plain(4, CMYK, { inkSet: 2 }),
  },
  { what: "is in the colour space CIELAB", bytes: plain(3, LAB) },
  { what: "holds luma and chroma (YCbCr) that are not JPEG", bytes: plain(3, YCBCR) },
  { what: "is the raw data of a camera's sensor", bytes: plain(1, 32803) },
];

/** TIFF files with levels. */
const withLevels: readonly DecoderRow[] = [
  { name: "TIFF, grey", bytes: plain(1, GREY), width: 1, height: 2, pixels: [0, 0, 0, 60, 60, 60] },
  { name: "TIFF, white is 0", bytes: plain(1, 0), width: 1, height: 2, pixels: [255, 255, 255, 195, 195, 195] },
  { name: "TIFF, RGB", bytes: plain(3, RGB), width: 1, height: 2, pixels: levels.slice(0, 6) },
  { name: "TIFF, RGBA", bytes: plain(4, RGB, { extra: [2] }), width: 1, height: 2, pixels: levels.slice(0, 8) },
  {
    name: "TIFF, 16 bits by their upper byte",
    bytes: tiff({ data: bytesOf(Uint16Array.of(0x1234, 0xff00)), bits: 16, samples: 1, photometric: GREY }),
    width: 1,
    height: 2,
    pixels: [0x12, 0x12, 0x12, 255, 255, 255],
  },
  {
    name: "TIFF, 12 bits in 16, as 16",
    bytes: tiff({ data: bytesOf(Uint16Array.of(0xfff, 0)), bits: 16, samples: 1, photometric: GREY }),
    width: 1,
    height: 2,
    pixels: [0xf, 0xf, 0xf, 0, 0, 0],
  },
];

/**
 * What every image decoder must do; each platform's test hands in its own with files that it can read.
 *
 * @param withoutTiff why TIFF files are not read, if they are not
 */
export function describeImageDecoder(decoder: ImageDecoder, rows: readonly DecoderRow[], withoutTiff?: string): void {
  describe("conforms", () => {
    test.skipIf(withoutTiff !== undefined).each(withLevels)(
      `reads $name${withoutTiff ? ` (${withoutTiff})` : ""}`,
      reads,
    );
    test.each(rows)("reads $name", reads);

    async function reads({ bytes, width, height, pixels }: DecoderRow): Promise<void> {
      const image = await decoder.decode(bytes);
      expect([image.width, image.height]).toEqual([width, height]);
      expect(image.data).toHaveLength(width * height * image.channels);
      expect(Array.from(image.data)).toEqual(pixels);
    }

    test.each(withoutLevels)("refuses a picture that $what", async ({ what, bytes }) => {
      await expect(decoder.decode(bytes)).rejects.toMatchObject({
        code: "image-undecodable",
        what: `This picture ${what}.`,
        fix: expect.stringContaining(".npy"),
      });
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
