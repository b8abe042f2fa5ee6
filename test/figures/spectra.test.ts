import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { spectraFigure } from "../../src/figures/index.ts";
import { overlap } from "../../src/figures/label-places.ts";
import { sigmaDomain, spectrumCurve } from "../../src/figures/spectrum-curves.ts";
import { knownBands } from "../../src/results/index.ts";
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
  test("median, 10 % and 90 % quantile, index by index, as numpy's", () => {
    const { points } = spectrumCurve(tapOf("a", [[10, 3], [14, 3], [18]]));
    expect(points[0]).toMatchObject({
      index: 1,
      n: 3,
      median: 14,
      low: expect.closeTo(10.8),
      high: expect.closeTo(17.2),
    });
    expect(points[1]).toMatchObject({ index: 2, n: 2, median: 3, low: 3, high: 3 });
  });

  test("one input that is far off does not move the curve, as it would a mean", () => {
    const rows = [...Array.from({ length: 20 }, () => [4, 2]), [4e6, 2e6]];
    expect(spectrumCurve(tapOf("a", rows)).points[0]).toMatchObject({ median: 4, low: 4, high: 4 });
  });

  test("a quantile that would need a σ below the floor is not known, and the curve ends", () => {
    const below = (sigma: readonly number[]) => ({ input: "x", unit: unitOf(sigma, { floor: 1e-3 }) });
    const curve = spectrumCurve({ tap: "a", units: [below([3, 2, 1]), below([3, 2, 1e-4]), below([3, 1e-4, 1e-5])] });
    expect(curve.points.map(({ median }) => median)).toEqual([3, 2, 0]);
    expect(curve.points.map(({ low }) => low)).toEqual([3, 0, 0]);
    expect(curve.points[2]!.high).toBe(0); // a straight line from what is not known
    expect(curve).toMatchObject({ unresolved: 3, total: 9 });
    expect(knownBands(curve.points)).toHaveLength(2);
  });

  test("the axis takes in what is drawn, and 1 where that is near", () => {
    expect(sigmaDomain([spectrumCurve(tapOf("a", [[100, 1e-30]]))])?.[0]).toBe(80);
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
    expect(caption).toContain("All triplets that are shown converged.");
  });

  test("the band reaches from the 10 % to the 90 % quantile, and ends where the lower one is not known", () => {
    const taps = [
      tapOf("a", [
        [10, 10, 4],
        [14, 14, 0],
        [18, 18, 4],
      ]),
    ];
    const { svg } = spectraFigure(taps, { document });
    const y = (sigma: number) => pixelOf(sigma, sigmaDomain(taps.map(spectrumCurve)), svg);
    const path = svg.match(
      /aria-label="area".*?<path d="M[\d.]+,([\d.]+)L[\d.]+,[\d.]+L[\d.]+,([\d.]+)L[\d.]+,[\d.]+Z/,
    );
    expect(Number(path?.[1])).toBeCloseTo(y(17.2), 0);
    expect(Number(path?.[2])).toBeCloseTo(y(10.8), 0);
  });

  test("one input: no band, and said so", () => {
    const { svg, caption } = spectraFigure([tapOf("a", [[3, 2, 1]])], { document });
    expect(svg).not.toContain('aria-label="area"');
    expect(svg).toContain("one input (n = 1)");
    expect(caption).toContain("n = 1");
  });

  test("σ of zero and below the floor are counted, and do not break the axis", () => {
    const taps = [
      tapOf("a", [
        [3, 1, 0],
        [3, 0, 1e-9],
      ]),
    ];
    const { svg, caption } = spectraFigure(taps, { document });
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(caption).toContain("3 of 6 σ are zero or lie below the floor");
    const dotted = (rows: readonly (readonly number[])[]) =>
      spectraFigure([tapOf("a", rows)], { document }).svg.match(/stroke-dasharray="2,2"[^>]*>\s*<line/g) ?? [];
    expect(dotted([[2, 1, 0]])).toHaveLength(1);
    expect(dotted([[2, 1, 0.5]])).toHaveLength(0);
    expect(spectraFigure([tapOf("a", [[0, 0]])], { document }).svg).toContain("No singular value is above the floor.");
  });

  test("the region below the floor is grey where it is near, and a linear axis begins at 0", () => {
    const unit = unitOf([3, 2, 1, 0.1], { floor: 0.5 });
    const taps = [{ tap: "a", units: [{ input: "x", unit }] }];
    const { svg, caption, place } = spectraFigure(taps, { document });
    expect(caption).toContain("The grey region lies below the floor of all spectra.");
    const [, region] = svg.match(/aria-label="rect"><rect ([^>]*)/)!;
    const [top, tall] = ["y", "height"].map((name) => Number(region!.match(new RegExp(`\\b${name}="([\\d.]+)"`))![1]));
    const pixel = (sigma: number) => place(1, sigma)!.y * Number(svg.match(/height="(\d+)"/)![1]);
    expect(top!).toBeCloseTo(pixel(0.5), 6);
    expect(top! + tall!).toBeCloseTo(pixel(sigmaDomain(taps.map(spectrumCurve))![0]), 6);
    const linear = spectraFigure(taps, { document, sigmaScale: "linear" });
    const y = (sigma: number) => linear.place(1, sigma)!.y;
    expect(y(0) - y(1)).toBeCloseTo(y(1) - y(2), 12);
    expect(spectraFigure([tapOf("a", [[3, 2, 1]])], { document }).svg).not.toContain('aria-label="rect"');
  });

  test("triplets that did not converge are crossed, those at the floor circled, and both counted", () => {
    const unit = unitOf([3, 2, 1, 0.5], { status: ["converged", "at-floor", "unconverged", "unconverged"] });
    const { svg, caption } = spectraFigure([{ tap: "a", units: [{ input: "x", unit }] }], { document });
    const dots = [...svg.matchAll(/<g[^>]*aria-label="dot"[^>]*>(.*?)<\/g>/g)].map(([, marks]) => marks as string);
    expect(dots.filter((marks) => marks.startsWith("<path")).map((marks) => marks.split("<path").length - 1)).toEqual([
      2,
    ]);
    expect(caption).toContain("did not converge (2 triplets).");
    expect(caption).toContain("reached only the floor, which is above the tolerance (1 triplet).");
    expect(caption).not.toContain("All triplets");
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

  test("names of curves that end anywhere stand apart, whatever the curves", () => {
    const number = fc.double({ min: 1e-3, max: 10, noNaN: true });
    const spectrum = fc.array(number, { minLength: 1, maxLength: 40 }).map((values) => values.sort((a, b) => b - a));
    fc.assert(
      fc.property(fc.array(spectrum, { minLength: 1, maxLength: 14 }), fc.constantFrom(380, 900), (rows, width) => {
        const taps = rows.map((row, i) => tapOf(`tap${i}`, [row]));
        const { svg } = spectraFigure(taps, { document, width });
        const labels = svg.slice(svg.indexOf('aria-label="curve labels"'));
        const boxes = [...labels.matchAll(/<text([^>]*)>(tap\d+)</g)].map(([, attributes, name]) => {
          const [x, y] = [/ x="([\d.]+)"/, / y="([\d.]+)"/].map((pattern) => Number(attributes!.match(pattern)![1]));
          return { x: x!, y: y! - 6, width: 6.5 * name!.length, height: 12 };
        });
        expect(boxes).toHaveLength(rows.length);
        for (const [i, a] of boxes.entries()) {
          expect(boxes.slice(0, i).filter((b) => overlap(a, b))).toEqual([]);
          expect(a.x + a.width).toBeLessThanOrEqual(width);
        }
      }),
      { numRuns: 30 },
    );
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
