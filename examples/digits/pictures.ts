// More held-out digits as pictures: `npm run example:pictures -- --count 100 --out DIR`.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encode } from "fast-png";
import { type Digits, readDigits } from "./data.ts";

/** Held-out digits as picture files, one of each class and then further ones, and the table of their classes. */
export function writePictures(digits: Digits, count: number, out: string): void {
  const { heldOut, heldOutNames } = digits;
  const { shape, inputs, targets } = heldOut;
  const { labels } = targets;
  const [, height, width] = shape as [number, number, number];
  const places = Array.from(labels.keys());
  const first = places.filter((place) => labels.indexOf(labels[place]!) === place);
  const further = places.filter((place) => !first.includes(place));
  const more = count - first.length;
  const step = further.length / more;
  const chosen = [...first, ...Array.from({ length: more }, (_, i) => further[Math.floor((i + 0.5) * step)]!)];
  const folder = join(out, "images");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const rows = chosen.map((place) => {
    const pixels = inputs.subarray(place * width * height, (place + 1) * width * height);
    const file = `${heldOutNames[place]}.png`;
    const data = Uint8Array.from(pixels, (pixel) => Math.round(255 * pixel));
    writeFileSync(join(folder, file), encode({ width, height, data, channels: 1, depth: 8 }));
    return `${file}\t${labels[place]}\n`;
  });
  writeFileSync(join(out, "labels.tsv"), rows.sort().join(""));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { count: { type: "string", default: "100" }, out: { type: "string" } } });
  if (values.out === undefined) throw new Error("--out DIR is missing");
  writePictures(readDigits(), Number(values.count), values.out);
}
