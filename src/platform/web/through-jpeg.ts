import type { ThroughJpeg } from "../../images/index.ts";
import { imageDecoder } from "./image-decoder.ts";

/** JPEG compression with the encoder of the browser, whose bytes are not those of Node's. */
export const throughJpeg: ThroughJpeg = async ({ data, width, height, channels }, quality) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  const pixels = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      pixels.data[4 * pixel + colour] = data[pixel * channels + (channels === 1 ? 0 : colour)]!;
    }
    pixels.data[4 * pixel + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: quality / 100 });
  return imageDecoder.decode(new Uint8Array(await blob.arrayBuffer()));
};
