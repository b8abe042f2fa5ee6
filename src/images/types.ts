/** A picture as decoded: 8 bits a sample, rows from the top, samples of a pixel side by side. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (alpha not premultiplied). */
  readonly channels: 1 | 2 | 3 | 4;
  /** [height, width, channels] */
  readonly data: Uint8Array;
}

/** What JPEG of a quality from 1 to 100 makes of a picture of 1 or 3 channels; each platform hands in its own. */
export type ThroughJpeg = (image: DecodedImage, quality: number) => Promise<DecodedImage>;

/** Turns the bytes of an image file into pixels; each platform hands in its own. */
export interface ImageDecoder {
  /**
   * The pixels as the file stores them, in sRGB, not turned by the camera's orientation tag.
   *
   * @throws PushforwardError `image-undecodable`, without the file's name, which the caller adds
   */
  decode(bytes: Uint8Array): Promise<DecodedImage>;
}
