import sharp from "sharp";
import { messageOf, PushforwardError } from "../../base/index.ts";
import type { DecodedImage, ImageDecoder, ThroughJpeg } from "../../images/index.ts";

/**
 * Decodes JPEG, PNG, WebP, GIF (its first picture), TIFF and AVIF by sharp.
 *
 * Colours are taken as they are stored, as Pillow and so torchvision do: an embedded profile is not applied, except to
 * CMYK, which has no meaning without one. 16 bits become 8.
 */
export const imageDecoder: ImageDecoder = {
  async decode(bytes: Uint8Array): Promise<DecodedImage> {
    try {
      const { space } = await sharp(bytes).metadata();
      const options = { failOn: "error", ignoreIcc: space !== "cmyk" } as const;
      const pipeline = sharp(bytes, options).toColourspace("srgb").raw();
      const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, channels: info.channels as DecodedImage["channels"], data };
    } catch (cause) {
      throw new PushforwardError("image-undecodable", {
        what: `This is not a picture that can be read: ${messageOf(cause)}.`,
        fix: "Give a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or an .npy array; a damaged file must be fetched again.",
        cause,
      });
    }
  },
};

/** By sharp, with colour at half the resolution, as cameras have it. */
export const throughJpeg: ThroughJpeg = async ({ data, width, height, channels }, quality) =>
  imageDecoder.decode(await sharp(data, { raw: { width, height, channels } }).jpeg({ quality }).toBuffer());
