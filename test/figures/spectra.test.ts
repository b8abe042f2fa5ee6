import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { spectraFigure } from "../../src/figures/index.ts";
import { sigmaDomain, spectrumCurve } from "../../src/figures/spectrum-curves.ts";
import { document, rounded, tapOf, unitOf } from "./units.ts";

const known = [
  tapOf("conv1", [
    [10, 8, 6, 4],
    [14, 8, 4, 4],
  ]),
  tapOf("logits", [
    [100, 1],
    [50, 0.5],
  ]),
];

describe("curves", () => {
  test("mean and sample standard deviation, index by index", () => {
    const { points } = spectrumCurve(tapOf("a", [[10, 3], [14, 3], [18]]));
    expect(points[0]).toMatchObject({ index: 1, n: 3, mean: 14, std: 4 });
    expect(points[1]).toMatchObject({ index: 2, n: 2, mean: 3, std: 0 });
  });

  test("the axis ends at float32 rounding of the largest mean, and takes in 1 where that is near", () => {
    expect(sigmaDomain([spectrumCurve(tapOf("a", [[100, 1e-30]]))])?.[0]).toBeCloseTo((100 * 2 ** -23) / 1.25, 12);
    expect(sigmaDomain([spectrumCurve(tapOf("a", [[20, 5]]))])?.[0]).toBe(0.8);
    expect(sigmaDomain([spectrumCurve(tapOf("a", [[0.5, 0.2]]))])?.[1]).toBe(1.25);
    expect(sigmaDomain([spectrumCurve(tapOf("a", [[0, 0]]))])).toBeUndefined();
  });
});

describe("the drawing", () => {
  test("known numbers, as stored", async () => {
    const { svg, caption } = spectraFigure(known, { document });
    await expect(rounded(svg)).toMatchFileSnapshot("drawings/spectra.svg");
    expect(caption).toContain("n = 2");
    expect(caption).toContain("All triplets converged.");
  });

  test("the band reaches from mean − std to mean + std", () => {
    const { svg } = spectraFigure(
      [
        tapOf("a", [
          [10, 10],
          [14, 14],
        ]),
      ],
      { document },
    );
    const y = (sigma: number) =>
      pixelOf(
        sigma,
        sigmaDomain([
          spectrumCurve(
            tapOf("a", [
              [10, 10],
              [14, 14],
            ]),
          ),
        ]),
        svg,
      );
    const path = svg.match(/aria-label="area".*?<path d="M[\d.]+,([\d.]+)L[\d.]+,[\d.]+L[\d.]+,([\d.]+)/);
    expect(Number(path?.[1])).toBeCloseTo(y(12 + Math.sqrt(8)), 0);
    expect(Number(path?.[2])).toBeCloseTo(y(12 - Math.sqrt(8)), 0);
  });

  test("one input: no band, and said so", () => {
    const { svg, caption } = spectraFigure([tapOf("a", [[3, 2, 1]])], { document });
    expect(svg).not.toContain('aria-label="area"');
    expect(svg).toContain("one input (n = 1)");
    expect(caption).toContain("n = 1");
  });

  test("zeros are counted, and a mean of zero does not break the axis", () => {
    const { svg, caption } = spectraFigure(
      [
        tapOf("a", [
          [3, 1, 0],
          [3, 0, 0],
        ]),
      ],
      { document },
    );
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(caption).toContain("3 of 6 σ are exactly zero");
    expect(caption).toContain("1 mean of zero");
    expect(spectraFigure([tapOf("a", [[0, 0]])], { document }).svg).toContain("Only zero singular values");
  });

  test("triplets that did not converge are crossed, those at the floor circled, and both counted", () => {
    const unit = unitOf([3, 2, 1, 0.5], { status: ["converged", "at-floor", "unconverged", "unconverged"] });
    const { svg, caption } = spectraFigure([{ tap: "a", units: [{ input: "x", unit }] }], { document });
    const dots = [...svg.matchAll(/<g[^>]*aria-label="dot"[^>]*>(.*?)<\/g>/g)].map(([, marks]) => marks as string);
    expect(dots.filter((marks) => marks.startsWith("<path")).map((marks) => marks.split("<path").length - 1)).toEqual([
      2,
    ]);
    expect(caption).toContain("Crosses: 2 triplets did not converge.");
    expect(caption).toContain("Circles: 1 triplet");
    expect(caption).not.toContain("All triplets converged");
  });

  test("names are text, never markup, and the file is well-formed for another reader", async () => {
    const { svg } = spectraFigure([tapOf('a<b>&"c"', [[2, 1]]), tapOf("層1", [[3, 1]])], { document, from: "<in>" });
    expect(svg).not.toContain("<b>");
    expect(svg).toContain("a&lt;b&gt;&amp;");
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ format: "svg", width: 760 });
  });

  test("25 taps keep their labels apart and inside", () => {
    const taps = Array.from({ length: 25 }, (_, i) =>
      tapOf(`tap${i}`, [
        [5 + i / 100, 4],
        [5, 4 + i / 100],
      ]),
    );
    const { svg } = spectraFigure(taps, { document });
    const labels = svg.slice(svg.indexOf('aria-label="curve labels"'));
    const rows = [...labels.matchAll(/<text[^>]* y="([\d.]+)"/g)].map(([, y]) => Number(y)).sort((a, b) => a - b);
    expect(rows).toHaveLength(25);
    const gaps = rows.slice(1).map((y, i) => y - (rows[i] as number));
    expect(Math.min(...gaps)).toBeGreaterThan(12.9);
    expect(rows.at(-1)).toBeLessThan(Number(svg.match(/height="(\d+)"/)?.[1]));
  });

  test("nothing measured yet; a logarithmic index axis", () => {
    expect(spectraFigure([{ tap: "a", units: [] }], { document }).svg).toContain("No singular values yet.");
    expect(spectraFigure(known, { document, indexScale: "log", width: 380 }).svg).toContain('width="380"');
  });
});

/** Where the axis puts a σ: its margins are 50 above and 42 below. */
function pixelOf(sigma: number, domain: readonly [number, number] | undefined, svg: string): number {
  const [low, high] = domain ?? [1, 1];
  const height = Number(svg.match(/height="(\d+)"/)?.[1]);
  return 50 + (Math.log(high / sigma) / Math.log(high / low)) * (height - 92);
}
