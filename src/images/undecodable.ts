import { PushforwardError } from "../base/index.ts";
import { pictureFormat } from "./format.ts";

/** @param what the end of a sentence "This picture …" */
export function withoutLevels(what: string): PushforwardError {
  return new PushforwardError("image-undecodable", {
    what: `This picture ${what}.`,
    fix:
      "Pictures are grey, RGB or CMYK, with or without transparency, with 8 or 16 bits a channel, so that black and white are " +
      "known. Convert it, or save what the network should see as an .npy array, which is used as it is.",
  });
}

/**
 * The name of the format of a picture, for "This is …".
 *
 * @param formats that are read, in words
 * @throws PushforwardError `image-undecodable` for a file of another format, or of an unknown one
 */
export function formatOf(bytes: Uint8Array, formats: string): string {
  const format = pictureFormat(bytes);
  if (format?.isRead) return format.name;
  const other =
    format === undefined ? "This is not a picture of a known format." : `This is ${format.name}, which is not read.`;
  throw new PushforwardError("image-undecodable", {
    what: bytes.length === 0 ? "This file is empty." : other,
    fix: `Give a ${formats} file, or an .npy array.`,
  });
}

/** For a file of a format that is read, but that the decoder refuses. The decoder's own words are only the cause. */
export const damagedPicture = (format: string, cause?: unknown): PushforwardError =>
  new PushforwardError("image-undecodable", {
    what: `This is ${format} that is damaged, cut short or of a kind that cannot be decoded.`,
    fix: "Fetch or save it again.",
    cause,
  });

/** The most pixels of a picture, in millions: what is decoded and resized within seconds. */
export const MOST_PIXELS = 100;

export const tooManyPixels = (format: string, cause?: unknown): PushforwardError =>
  new PushforwardError("image-undecodable", {
    what: `This is ${format} with more than ${MOST_PIXELS} million pixels.`,
    fix: "Make it smaller.",
    cause,
  });
