import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { pictureRowsFigure } from "../../src/figures/index.ts";
import type { PictureRow, PictureRows } from "../../src/results/index.ts";

const source = Float64Array.of(0, 0.5, 1, 0);
const vectors = (sigmas: readonly (number | undefined)[]): PictureRow["vectors"] =>
  sigmas.map((sigma) => (sigma === undefined ? undefined : { sigma, entries: Float64Array.of(0, 0.6, -0.8, 0) }));
const figureOf = (rows: readonly PictureRow[], width?: number) => {
  const pictures: PictureRows = { id: "rows", title: "First <v>", caption: "At one digit.", shape: [1, 2, 2], rows };
  return pictureRowsFigure(pictures, width === undefined ? {} : { width });
};

/** The frames that pictures stand in: x, y, width and height of each. */
const framesOf = (svg: string) =>
  [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"\/>/g)].map((frame) =>
    frame.slice(1).map(Number),
  );
/** Without that of the bar of colours. */
const picturesIn = (svg: string) => svg.match(/<image /g)!.length - 1;

const eight = [8, 7, 6, 5, 4, 3, 2, 1];

describe("rows of pictures", () => {
  test("each row has its name, its input and its vectors with σ and limits below them", async () => {
    const rows = ["plain", "contractive <1>"].map((name) => ({ name, source, vectors: vectors(eight) }));
    const { svg, caption } = figureOf(rows);
    await expect(svg).toMatchFileSnapshot("drawings/picture-rows.svg");
    expect(picturesIn(svg)).toBe(2 * 9);
    expect(framesOf(svg)).toHaveLength(2 * 9);
    expect(svg.match(/±0.8</g)).toHaveLength(2 * 8);
    for (const text of [">plain<", "contractive &lt;1&gt;", ">σ₁ = 8<", ">σ₈ = 1<", ">input<"])
      expect(svg).toContain(text);
    expect(svg).not.toMatch(/<v>|<1>|NaN|undefined/);
    for (const said of [
      "At one digit.",
      "Red is positive",
      "own limits ± max |v|",
      "sign of v as a whole is arbitrary",
    ])
      expect(caption).toContain(said);
    expect(caption).not.toContain("empty frame");
    expect(svg).toContain(`<desc>${caption.replaceAll("'", "&#39;")}</desc>`);
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ format: "svg", width: 900 });
  });

  test("a vector that is arbitrary leaves an empty frame, and the caption says so", () => {
    const { svg, caption } = figureOf([{ name: "a", source, vectors: vectors([2, 1, undefined]) }]);
    expect(picturesIn(svg)).toBe(3);
    expect(framesOf(svg)).toHaveLength(4);
    expect(svg).not.toContain("σ₃");
    expect(caption).toContain("An empty frame stands for a vector that is not known, or whose σ is below the floor");
  });

  test("without inputs, vectors stand first, and the caption does not tell how inputs are shown", () => {
    const { svg, caption } = figureOf([{ name: "a", vectors: vectors(eight) }]);
    expect(picturesIn(svg)).toBe(8);
    expect(framesOf(svg)[0]![0]).toBe(8);
    expect(svg).not.toContain(">input<");
    expect(caption).not.toContain("levels");
  });

  test("a row without an input keeps the place of one, and no rows are drawn as none", () => {
    const { svg } = figureOf([
      { name: "a", source, vectors: vectors([1]) },
      { name: "b", vectors: vectors([1]) },
    ]);
    const [, first, second] = framesOf(svg);
    expect(second![0]).toBe(first![0]);
    expect(figureOf([]).svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test.each([900, 380])("in a drawing of %i pixels nothing touches or leaves it", (width) => {
    for (const count of [1, 3, 8]) {
      for (const own of [{ source }, {}]) {
        const rows = ["a", "b"].map((name) => ({ name, ...own, vectors: vectors(eight.slice(0, count)) }));
        const { svg } = figureOf(rows, width);
        const frames = framesOf(svg);
        const height = Number(svg.match(/height="(\d+)"/)![1]);
        for (const [i, [x = 0, y = 0, w = 0, h = 0]] of frames.entries()) {
          expect(x + w).toBeLessThan(width);
          expect(y + h + 23).toBeLessThan(height);
          expect(w).toBeGreaterThanOrEqual(60);
          for (const [x2 = 0, y2 = 0, w2 = 0, h2 = 0] of frames.slice(0, i)) {
            expect(x + w <= x2 || x2 + w2 <= x || y + h + 23 <= y2 || y2 + h2 + 23 <= y).toBe(true);
          }
        }
      }
    }
  });
});
