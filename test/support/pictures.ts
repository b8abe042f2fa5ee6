import sharp, { type PngOptions, type Sharp } from "sharp";
import { createRng } from "../../src/base/index.ts";

/** A picture in a file, and what it is. */
export interface PictureFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A picture of smooth colours with noise, and with half-transparent parts if it has 4 channels. */
function drawn(channels: 1 | 2 | 3 | 4, width: number, height: number) {
  const rng = createRng("picture", channels, width);
  const data = Uint8Array.from({ length: channels * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    const smooth = 128 + 90 * Math.sin(x / 9 + (i % channels)) * Math.cos(y / 7);
    return Math.max(0, Math.min(255, Math.round(smooth + 20 * rng.gaussian())));
  });
  return sharp(data, { raw: { width, height, channels } });
}

/** JPEG files of all kinds that cameras and programs write. */
export async function jpegFiles(): Promise<PictureFile[]> {
  const files: PictureFile[] = [];
  for (const chromaSubsampling of ["4:2:0", "4:4:4"] as const) {
    for (const quality of [30, 75, 95]) {
      for (const [width, height] of [
        [64, 48],
        [37, 51],
        [200, 133],
      ] as const) {
        const progressive = width === 37;
        const bytes = await drawn(3, width, height).jpeg({ quality, chromaSubsampling, progressive }).toBuffer();
        files.push({ name: `${width}×${height}, ${chromaSubsampling}, quality ${quality}`, bytes });
      }
    }
  }
  const grey = await drawn(1, 45, 33).toColourspace("b-w").jpeg({ quality: 80 }).toBuffer();
  const turned = await drawn(3, 40, 24).withMetadata({ orientation: 6 }).jpeg({ quality: 85 }).toBuffer();
  const profiled = await drawn(3, 40, 24).withIccProfile("p3").jpeg({ quality: 85 }).toBuffer();
  const restarts = await drawn(3, 96, 80).jpeg({ quality: 85, optimiseCoding: false, mozjpeg: true }).toBuffer();
  files.push({ name: "grey", bytes: grey }, { name: "turned by its tag", bytes: turned });
  files.push({ name: "with a profile", bytes: profiled }, { name: "by mozjpeg", bytes: restarts });
  return files;
}

/** PNG files of all kinds of pixels. */
export async function pngFiles(): Promise<PictureFile[]> {
  const files: PictureFile[] = [];
  for (const progressive of [false, true]) {
    const how = progressive ? ", interlaced" : "";
    const add = async (name: string, picture: Sharp, options: PngOptions = {}) =>
      files.push({ name: `${name}${how}`, bytes: await picture.png({ progressive, ...options }).toBuffer() });
    await add("RGB", drawn(3, 37, 29));
    await add("RGBA", drawn(4, 37, 29));
    await add("grey", drawn(1, 37, 29).toColourspace("b-w"));
    await add("grey and alpha", drawn(2, 37, 29).toColourspace("b-w"));
    await add("RGB of 16 bits", drawn(3, 37, 29).toColourspace("rgb16"));
    await add("RGBA of 16 bits", drawn(4, 37, 29).toColourspace("rgb16"));
    await add("palette", drawn(3, 37, 29), { palette: true });
    await add("palette of 16 colours", drawn(3, 37, 29), { palette: true, colours: 16 });
    await add("palette of 4 colours", drawn(3, 37, 29), { palette: true, colours: 4 });
    await add("palette of 2 colours", drawn(3, 37, 29), { palette: true, colours: 2 });
    if (!progressive) await add("palette with transparency", drawn(4, 37, 29), { palette: true });
    await add("with a profile", drawn(3, 37, 29).withIccProfile("p3"));
  }
  return files;
}
