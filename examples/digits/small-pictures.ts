/**
 * Writes src/experiments/digit-pictures.json: 1000 of the training digits, as black and white pictures of 14×14 pixels. A pixel is white where the mean of
 * the four that it is made of is at least 0.35. `pixels` are their bits, row by row, the first in the highest bit of a byte, in base64.
 *
 *     npx tsx examples/digits/small-pictures.ts
 */
import { writeFileSync } from "node:fs";
import { splitStratified } from "../../src/training/index.ts";
import { readDigits } from "./data.ts";

const COUNT = 1000;
const WIDTH = 14;
const WHITE = 0.35;

const {
  inputs,
  targets: { labels },
} = splitStratified(readDigits().training, COUNT, 1, "small").heldOut;
const bytes = new Uint8Array((COUNT * WIDTH ** 2) / 8);
const pixel = (image: number, y: number, x: number) => inputs[(image * 2 * WIDTH + y) * 2 * WIDTH + x]!;
for (let at = 0; at < COUNT * WIDTH ** 2; at++) {
  const image = Math.floor(at / WIDTH ** 2);
  const [y, x] = [2 * (Math.floor(at / WIDTH) % WIDTH), 2 * (at % WIDTH)];
  const mean = (pixel(image, y, x) + pixel(image, y, x + 1) + pixel(image, y + 1, x) + pixel(image, y + 1, x + 1)) / 4;
  if (mean >= WHITE) bytes[at >> 3]! |= 128 >> (at & 7);
}
const digits = { size: WIDTH ** 2, labels: labels.join(""), pixels: Buffer.from(bytes).toString("base64") };
writeFileSync(new URL("../../src/experiments/digit-pictures.json", import.meta.url), `${JSON.stringify(digits)}\n`);
