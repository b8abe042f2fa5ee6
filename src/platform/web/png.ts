import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import type { DecodedImage } from "../../images/index.ts";

/**
 * The pixels of a PNG file as they are stored, RGB or RGBA: a browser would lose the colours of transparent pixels. Of 16 bits the
 * upper byte is used, and fewer than 8 are spread over all levels.
 *
 * @throws Error, of the decoder, for a file that is damaged
 */
export function decodePng(bytes: Uint8Array): DecodedImage {
  const png = decode(bytes, { checkCrc: true });
  const { width, height, palette, transparency } = png;
  if (palette !== undefined) {
    const data = convertIndexedToRgb(png);
    return { width, height, channels: palette[0]!.length as 3 | 4, data };
  }
  const { depth, channels } = png;
  const samples = depth < 8 ? unpacked(png) : png.data;
  const level = (sample: number): number =>
    depth === 16 ? sample >>> 8 : depth === 8 ? sample : (sample * 255) / (2 ** depth - 1);
  const hasAlpha = channels === 2 || channels === 4 || transparency !== undefined;
  const [colours, own] = [channels < 3 ? 1 : 3, hasAlpha ? 4 : 3];
  const data = new Uint8Array(width * height * own);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * channels;
    for (let i = 0; i < 3; i++) data[pixel * own + i] = level(samples[from + (colours === 3 ? i : 0)]!);
    if (!hasAlpha) continue;
    // One colour of a picture without alpha may stand for transparency.
    const isKey = transparency?.every((sample, i) => sample === samples[from + i]);
    data[pixel * own + 3] = isKey === undefined ? level(samples[from + colours]!) : isKey ? 0 : 255;
  }
  return { width, height, channels: own as 3 | 4, data };
}

/** Grey samples of fewer than 8 bits, which begin a new byte in each row. */
function unpacked({ width, height, depth, data }: DecodedPng): Uint8Array {
  const samples = new Uint8Array(width * height);
  const [stride, mask] = [Math.ceil((width * depth) / 8), 2 ** depth - 1];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = column * depth;
      const byte = data[row * stride + (bit >>> 3)]!;
      samples[row * width + column] = (byte >>> (8 - depth - (bit & 7))) & mask;
    }
  }
  return samples;
}
