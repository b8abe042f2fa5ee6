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
const galleryOf = (columns: Gallery["columns"]): Gallery => ({ tap: "conv1", k: 7, source: "1×2×2", columns });

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
    expect(caption).toContain("× did not converge.");
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ format: "svg", width: 900 });
  });

  test("in the place of a vector whose σ is below the floor stands the last one above it, with its number", () => {
    const columns = [{ input: "seven", source, largest: vector(3.25, 1), smallest: vector(0.125, 3) }];
    const { svg, caption } = galleryFigure(galleryOf(columns));
    expect(svg).toContain("σ₃ = 0.125");
    expect(caption).toContain("Where the last σ lie below the floor");
  });

  test("16 inputs wrap into bands, 8 wide or 3 narrow, and stay inside", () => {
    const columns = Array.from({ length: 16 }, (_, i) => ({
      input: `i${i}`,
      source,
      largest: vector(i + 1, 1),
      smallest: vector(1, 7),
    }));
    for (const [width, bands] of [
      [900, 2],
      [380, 6],
    ] as const) {
      const { svg } = galleryFigure(galleryOf(columns), { width });
      expect(svg.match(/>input</g)).toHaveLength(bands);
      const boxes = [...svg.matchAll(/<image x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(
        (box) => box.slice(1).map(Number),
      );
      const height = Number(svg.match(/height="(\d+)"/)?.[1]);
      expect(boxes).toHaveLength(1 + 3 * 16); // the colour bar is one
      for (const [x = 0, y = 0, w = 0, h = 0] of boxes) {
        expect(x + w).toBeLessThanOrEqual(width);
        expect(y + h).toBeLessThanOrEqual(height);
      }
    }
  });

  test("shared pictures are referred to, not repeated", () => {
    const { svg } = galleryFigure(galleryOf([{ input: "a", source, largest: vector(1, 1) }]), { sharedId: () => "p1" });
    expect(svg.match(/<use href="#p1"/g)).toHaveLength(2);
    expect(svg.match(/<image/g)).toHaveLength(1);
  });

  test("names are text, one input is said to be one, an exact zero is explained", () => {
    const { svg, caption } = galleryFigure({ ...galleryOf([{ input: "<i>", largest: vector(0, 1) }]), tap: "<b>" });
    expect(svg).not.toMatch(/<[ib]>/);
    expect(caption).toContain("n = 1");
    expect(caption).toContain("Where σ = 0");
  });
});
