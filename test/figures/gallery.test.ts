import sharp from "sharp";
import { describe, expect, test } from "vitest";
import {
  type Gallery,
  type GalleryVector,
  galleryFigure,
  inputPicture,
  vectorPicture,
} from "../../src/figures/index.ts";
import { rounded } from "./units.ts";

const source = inputPicture([0, 0.5, 1, 0], [1, 2, 2], { scale: 1 / 255 }, 2);
const vector = (sigma: number, number: number, status: GalleryVector["status"] = "converged"): GalleryVector => ({
  picture: vectorPicture([0, 0.6, -0.8, 0], [2, 2], 2),
  sigma,
  number,
  status,
});
const galleryOf = (columns: Gallery["columns"]): Gallery => ({ tap: "conv1", k: 7, shape: [1, 2, 2], columns });

describe("the gallery", () => {
  test("two inputs, as stored", async () => {
    const columns = [
      { input: "seven", source, largest: vector(3.25, 1), smallest: vector(0.125, 7, "unconverged") },
      { input: "nine", source, largest: vector(2, 1) },
    ];
    const { svg, caption } = galleryFigure(galleryOf(columns));
    // The bytes of a PNG hang on the compressor; the pictures themselves are tested by their pixels.
    await expect(rounded(svg.replace(/base64,[^"]*/g, "base64,"))).toMatchFileSnapshot("drawings/gallery.svg");
    expect(svg).toContain("none to show");
    expect(caption).toContain("last of the k = 7 computed");
    expect(caption).toContain("A cross (×) marks a triplet that did not converge.");
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ format: "svg", width: 900 });
  });

  test("in the place of a vector whose σ is below the floor stands the last one above it, with its number", () => {
    const columns = [{ input: "seven", source, largest: vector(3.25, 1), smallest: vector(0.125, 3) }];
    const { svg, caption } = galleryFigure(galleryOf(columns));
    expect(svg).toContain("σ₃ = 0.125");
    expect(caption).toContain("Where the last computed σ lie below the floor");
  });

  /** The frames that pictures stand in. */
  const framesOf = (svg: string) =>
    [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"\/>/g)].map((frame) =>
      frame.slice(1).map(Number),
    );

  test.each([1, 2, 3, 5, 16])("%i inputs stay inside, use the whole width and touch nowhere", (count) => {
    const detail = { region: { x: 0, y: 0, width: 1, height: 1 }, picture: vectorPicture([1], [1], 1) };
    for (const width of [900, 380]) {
      for (const details of [undefined, detail]) {
        const columns = Array.from({ length: count }, (_, i) => ({
          input: `i${i}`,
          source,
          largest: { ...vector(i + 1, 1), detail: details },
          smallest: vector(1, 7),
        }));
        const { svg } = galleryFigure(galleryOf(columns), { width });
        const frames = framesOf(svg);
        const height = Number(svg.match(/height="(\d+)"/)?.[1]);
        expect(frames).toHaveLength((details === undefined ? 3 : 5) * count);
        for (const [i, [x = 0, y = 0, w = 0, h = 0]] of frames.entries()) {
          expect(y + h).toBeLessThanOrEqual(height);
          for (const [x2 = 0, y2 = 0, w2 = 0, h2 = 0] of frames.slice(0, i)) {
            expect(x + w <= x2 || x2 + w2 <= x || y + h <= y2 || y2 + h2 <= y).toBe(true);
          }
        }
        const right = Math.max(...frames.map(([x = 0, , w = 0]) => x + w));
        expect(right).toBeLessThanOrEqual(width);
        expect(right).toBeGreaterThan(0.95 * width);
      }
    }
  });

  test("a local vector has its box marked, and enlarged beside it over the same part of the input", () => {
    const detail = { region: { x: 1, y: 0, width: 1, height: 1 }, picture: vectorPicture([0.6], [1], 1) };
    const columns = [{ input: "a", source, largest: { ...vector(3, 1), detail }, smallest: vector(1, 7) }];
    const { svg, caption } = galleryFigure(galleryOf(columns));
    expect(svg).toContain('viewBox="1 0 1 1"');
    expect(svg).toContain("the box, ×2");
    expect(svg).toContain("not local");
    expect(caption).toContain("5 % of the vector's energy lie on either side of the box");
  });

  test("shared pictures are referred to, not repeated; a drawing of its own holds each once", () => {
    const gallery = galleryOf([{ input: "a", source, largest: vector(1, 1) }]);
    const { svg } = galleryFigure(gallery, { sharedId: () => "p1" });
    expect(svg.match(/<use href="#p1"/g)).toHaveLength(3); // the input, itself and as the ground, and v
    expect(svg.match(/<image/g)).toHaveLength(1); // the colour bar
    expect(galleryFigure(gallery).svg.match(/<image/g)).toHaveLength(3);
  });

  test("names are text, one input is said to be one, an exact zero is explained", () => {
    const { svg, caption } = galleryFigure({ ...galleryOf([{ input: "<i>", largest: vector(0, 1) }]), tap: "<b>" });
    expect(svg).not.toMatch(/<[ib]>/);
    expect(caption).toContain("n = 1");
    expect(caption).toContain("Where σ = 0");
  });
});
