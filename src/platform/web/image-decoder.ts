import { messageOf, PushforwardError } from "../../base/index.ts";
import {
  type DecodedImage,
  damagedPicture,
  formatOf,
  type ImageDecoder,
  MOST_PIXELS,
  tiffObstacle,
  tooManyPixels,
  withoutLevels,
} from "../../images/index.ts";
import { readJpeg } from "./jpeg.ts";
import { decodePng } from "./png.ts";

const [JPEG, PNG] = ["a JPEG picture", "a PNG picture"];
/** Formats that browsers decode in ways of their own, or not at all. */
const notHere = new Set(["an AVIF picture", "a TIFF picture"]);

/**
 * Decodes JPEG, PNG, WebP and GIF with what a browser has. If a file has several pictures, the first is used.
 *
 * The pixels are those that the decoder of Node gives: as stored, without the orientation of a camera, without a colour profile, and
 * before any resizing. Files of which a browser would give others are refused: CMYK, AVIF, and transparency in other formats than PNG.
 */
export const imageDecoder: ImageDecoder = {
  async decode(bytes: Uint8Array): Promise<DecodedImage> {
    const tiff = tiffObstacle(bytes);
    if (tiff !== undefined) throw withoutLevels(tiff);
    const format = formatOf(bytes, "JPEG, PNG, WebP or GIF");
    if (notHere.has(format)) throw other(`${format}, which is not read in a browser`);
    if (format === JPEG) return decodeJpeg(bytes);
    if (format !== PNG || isInterlacedInBits(bytes))
      return withoutAlpha(await pixelsOf(Uint8Array.from(bytes), format), format);
    try {
      return decodePng(bytes);
    } catch (cause) {
      throw damagedPicture(format, cause);
    }
  },
};

/** Whether a PNG file is interlaced and has several pixels in a byte: `decodePng` does not read that. */
const isInterlacedInBits = (bytes: Uint8Array): boolean => bytes[24]! < 8 && bytes[28] === 1;

async function decodeJpeg(bytes: Uint8Array): Promise<DecodedImage> {
  const jpeg = readJpeg(bytes);
  if (jpeg === undefined) throw damagedPicture(JPEG);
  const { width, height, components, bits } = jpeg;
  if (components === 4) throw other(`${JPEG} in CMYK, which browsers convert to colours in ways of their own`);
  if (bits !== 8) throw other(`${JPEG} with ${bits} bits a channel, which is not read in a browser`);
  const image = await pixelsOf(jpeg.bytes, JPEG);
  if (image.width !== width || image.height !== height)
    throw other(`${JPEG} that this browser decodes at another size`);
  return withoutAlpha(image, JPEG);
}

const other = (what: string): PushforwardError =>
  new PushforwardError("image-undecodable", {
    what: `This is ${what}.`,
    fix: "Convert it to a PNG file, or save what the network should see as an .npy array.",
  });

/** The pixels as the browser decodes them, [height, width, RGBA]. */
async function pixelsOf(bytes: Uint8Array<ArrayBuffer>, format: string): Promise<DecodedImage> {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" } as const;
  const bitmap = await createImageBitmap(new Blob([bytes]), options).catch((cause: unknown) => {
    throw damagedPicture(format, cause);
  });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS * 1e6) throw tooManyPixels(format);
  try {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { width, height, channels: 4, data: new Uint8Array(data.buffer) };
  } catch (cause) {
    throw new PushforwardError("image-undecodable", {
      what: `The browser does not give the pixels of this picture (${messageOf(cause)}).`,
      fix: "Make it smaller, or convert it to a PNG file.",
      cause,
    });
  } finally {
    bitmap.close();
  }
}

/** RGB. A canvas multiplies colours by alpha, so that those of transparent pixels are lost. */
function withoutAlpha({ width, height, data }: DecodedImage, format: string): DecodedImage {
  const colours = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (data[4 * pixel + 3] !== 255) throw other(`${format} with transparency, whose colours a browser does not keep`);
    for (let i = 0; i < 3; i++) colours[3 * pixel + i] = data[4 * pixel + i]!;
  }
  return { width, height, channels: 3, data: colours };
}
