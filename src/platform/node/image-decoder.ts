import type { Metadata } from "sharp";
import { messageOf } from "../../base/index.ts";
import {
  type DecodedImage,
  damagedPicture,
  formatOf,
  type ImageDecoder,
  MOST_PIXELS,
  type ThroughJpeg,
  tiffObstacle,
  tooManyPixels,
  withoutLevels,
} from "../../images/index.ts";
import { loadSharp } from "./load-sharp.ts";

/**
 * Decodes JPEG, PNG, WebP, GIF, TIFF and AVIF with sharp. If a file has several pictures, the first is used.
 *
 * Levels have 8 or 16 bits; 0 is black and the largest level is white. Of 16 bits the upper byte is used. Colours are grey, RGB or CMYK,
 * with or without transparency. As in Pillow and torchvision, they are used as stored: an embedded profile is not applied, except for
 * CMYK, which has no meaning without one.
 */
export const imageDecoder: ImageDecoder = {
  async decode(bytes: Uint8Array): Promise<DecodedImage> {
    const tiff = tiffObstacle(bytes);
    if (tiff !== undefined) throw withoutLevels(tiff);
    const format = formatOf(bytes, "JPEG, PNG, WebP, GIF, TIFF or AVIF");
    const undecodable = (cause: unknown): never => {
      throw (messageOf(cause).includes("exceeds pixel limit") ? tooManyPixels : damagedPicture)(format, cause);
    };
    const metadata = await metadataOf(bytes).catch(undecodable);
    const other = obstacle(metadata);
    if (other !== undefined) throw withoutLevels(other);
    const options = { failOn: "error", ignoreIcc: metadata.space !== "cmyk" } as const;
    const sharp = await loadSharp();
    const pipeline = sharp(bytes, options).toColourspace("srgb").raw();
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true }).catch(undecodable);
    return { width: info.width, height: info.height, channels: info.channels as DecodedImage["channels"], data };
  },
};

/** Asynchronous, so that errors that sharp throws synchronously are caught too. */
const metadataOf = async (bytes: Uint8Array): Promise<Metadata> =>
  (await loadSharp())(bytes, { limitInputPixels: MOST_PIXELS * 1e6 }).metadata();

/** The number of channels without transparency, by the name of the colour space in libvips. */
const colours: Readonly<Record<string, number>> = { "b-w": 1, grey16: 1, srgb: 3, rgb16: 3, cmyk: 4 };

/** The same as `tiffObstacle` for every other format. */
function obstacle({ depth, space, channels, hasAlpha }: Metadata): string | undefined {
  if (depth !== "uchar" && depth !== "ushort") return `holds samples of the type ${depth}`;
  const plain = colours[space];
  if (plain === undefined) return `is in the colour space ${space}`;
  return channels === plain + (hasAlpha ? 1 : 0) ? undefined : `has ${channels} channels`;
}

/** JPEG compression with sharp, with colour at half the resolution, as in cameras. */
export const throughJpeg: ThroughJpeg = async ({ data, width, height, channels }, quality) => {
  const sharp = await loadSharp();
  return imageDecoder.decode(await sharp(data, { raw: { width, height, channels } }).jpeg({ quality }).toBuffer());
};
