import sharp from "sharp";
import { expect, test } from "vitest";
import { imageDecoder } from "../../src/platform/node/image-decoder.ts";
import { describeImageDecoder } from "../conformance/image-decoder.ts";
import { writeTiff } from "../support/tiff.ts";

const pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 128, 128, 128, 1, 2, 3];
const raw = (channels: 1 | 3 | 4, values: readonly number[], height = 3) =>
  sharp(Uint8Array.from(values), { raw: { width: values.length / channels / height, height, channels } });

const transparent = [9, 8, 7, 0, 9, 8, 7, 128, 9, 8, 7, 255];
const grey = [0, 100, 255];
describeImageDecoder(imageDecoder, [
  { name: "PNG", bytes: await raw(3, pixels).png().toBuffer(), width: 2, height: 3, pixels },
  {
    name: "PNG with alpha",
    bytes: await raw(4, transparent).png().toBuffer(),
    width: 1,
    height: 3,
    pixels: transparent,
  },
  {
    name: "grey PNG as three equal channels",
    bytes: await raw(1, grey).toColourspace("b-w").png().toBuffer(),
    width: 1,
    height: 3,
    pixels: grey.flatMap((level) => [level, level, level]),
  },
  {
    name: "lossless WebP",
    bytes: await raw(3, pixels).webp({ lossless: true }).toBuffer(),
    width: 2,
    height: 3,
    pixels,
  },
  {
    name: "PNG of 16 bits",
    bytes: await raw(3, pixels).toColourspace("rgb16").png().toBuffer(),
    width: 2,
    height: 3,
    pixels,
  },
  {
    name: "picture marked to be turned, as it lies",
    bytes: await raw(3, pixels).withMetadata({ orientation: 6 }).png().toBuffer(),
    width: 2,
    height: 3,
    pixels,
  },
]);

test("a plain CMYK JPEG comes out plain and near its colour", async () => {
  const bytes = await raw(3, new Array(16 * 16).fill([150, 130, 110]).flat(), 16)
    .toColourspace("cmyk")
    .jpeg()
    .toBuffer();
  const { channels, data } = await imageDecoder.decode(bytes);
  expect(channels).toBe(3);
  for (const [i, level] of [150, 130, 110].entries()) expect(Math.abs(data[i]! - level)).toBeLessThan(25);
});

/** Where no ink is, where all black ink is, and where one ink of the three is. */
test.each([
  { inks: [0, 0, 0, 0], least: 250, most: 255 },
  { inks: [0, 0, 0, 255], least: 0, most: 60 },
])("CMYK of $inks", async ({ inks, least, most }) => {
  const bytes = writeTiff({ width: 1, height: 1, data: Uint8Array.from(inks), bits: 8, samples: 4, photometric: 5 });
  for (const level of (await imageDecoder.decode(bytes)).data) {
    expect(level).toBeGreaterThanOrEqual(least);
    expect(level).toBeLessThanOrEqual(most);
  }
});

test.each([0, 1, 2])("ink %i takes most of its own colour away", async (ink) => {
  const inks = [0, 1, 2, 3].map((i) => (i === ink ? 255 : 0));
  const bytes = writeTiff({ width: 1, height: 1, data: Uint8Array.from(inks), bits: 8, samples: 4, photometric: 5 });
  const { data } = await imageDecoder.decode(bytes);
  expect(data.indexOf(Math.min(...data))).toBe(ink);
});

test("a profile changes nothing: levels are taken as they are stored", async () => {
  const bytes = await raw(3, pixels).withIccProfile("p3").png().toBuffer();
  const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
  expect(Array.from(stored)).not.toEqual(pixels); // the levels were converted when the profile was attached
  expect(Array.from((await imageDecoder.decode(bytes)).data)).toEqual(Array.from(stored));
});

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const bmff = (brand: string) => ascii(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1${brand}`);
const png = new Uint8Array(await raw(3, pixels).png().toBuffer());
const jpeg = new Uint8Array(await raw(3, pixels).jpeg().toBuffer());
const broken = "that is damaged, cut short or of a kind that cannot be decoded.";

test.each([
  { what: "This file is empty.", bytes: new Uint8Array(0) },
  { what: "This is not a picture of a known format.", bytes: ascii("hello\n") },
  { what: "This is a BMP picture, which is not read.", bytes: ascii("BM\x90\0\0\0") },
  { what: "This is a HEIC picture, which is not read.", bytes: bmff("heic") },
  { what: "This is a web page, which is not read.", bytes: ascii("<!DOCTYPE html><html>404</html>") },
  { what: "This is an SVG drawing, which is not read.", bytes: ascii('<svg xmlns="http://www.w3.org/2000/svg"/>') },
  { what: "This is a Radiance HDR picture, which is not read.", bytes: ascii("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n") },
  { what: "This is a ZIP archive, which is not read.", bytes: ascii("PK\x03\x04") },
  { what: `This is a PNG picture ${broken}`, bytes: png.slice(0, 60) },
  { what: `This is a PNG picture ${broken}`, bytes: png.with(29, png[29]! ^ 1) },
  { what: `This is a JPEG picture ${broken}`, bytes: jpeg.slice(0, 300) },
  { what: `This is an AVIF picture ${broken}`, bytes: bmff("avif") },
  { what: `This is a TIFF picture ${broken}`, bytes: ascii("II\x2a\0\xff\xff\0\0") },
])("$what", async ({ what, bytes }) => {
  await expect(imageDecoder.decode(bytes)).rejects.toMatchObject({ code: "image-undecodable", what });
});
