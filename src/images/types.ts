/** A decoded picture: 8 bits for each sample, rows from the top, the samples of a pixel next to each other. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (alpha not premultiplied). */
  readonly channels: 1 | 2 | 3 | 4;
  /** [height, width, channels] */
  readonly data: Uint8Array;
}

/** Compresses a picture of 1 or 3 channels as JPEG with a quality from 1 to 100 and decodes it. Each platform has its own. */
export type ThroughJpeg = (image: DecodedImage, quality: number) => Promise<DecodedImage>;

/** Decodes the bytes of an image file to pixels. Each platform has its own decoder. */
export interface ImageDecoder {
  /**
   * The pixels as stored in the file, in sRGB. The orientation tag of a camera is not applied.
   *
   * @throws PushforwardError `image-undecodable`, without the file's name, which the caller adds
   */
  decode(bytes: Uint8Array): Promise<DecodedImage>;
}
