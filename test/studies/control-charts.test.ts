import { expect, test } from "vitest";
import type { Chart, ChartPoint, ChartSeries, Sample } from "../../src/results/index.ts";
import { chartWithControls } from "../../src/studies/control-charts.ts";

const TAPS = ["conv1", "relu1", "logits"];

/** A line over the taps, whose numbers do not depend on the images. */
const line = (name: string, y: number, more: (tap: number) => Partial<ChartPoint> = () => ({})): ChartSeries => ({
  name,
  mark: "line",
  points: TAPS.map((x, tap) => ({ x, y, ...more(tap) })),
});

const chartOf = (panels: Chart["panels"], more: Partial<Chart> = {}): Chart => ({
  id: "ranks",
  title: "Ranks",
  caption: "Ranks by tap.",
  x: { label: "tap", names: TAPS },
  y: { label: "directions" },
  panels,
  ...more,
});

const one = (...series: ChartSeries[]): Chart => chartOf([{ title: "", series, rule: { y: 1, label: "one" } }]);

/** The mean of one number per image. */
const sampleOf = (numbers: readonly number[]): Sample => ({
  images: [...numbers.keys()],
  of: (images) => images.reduce((sum, image) => sum + numbers[image]!, 0) / images.length,
});

test("each series has a panel with the trained network in colour, each control in grey, and the rule", () => {
  const chart = one(line("effective rank", 5), line("participation ratio", 3));
  const draws = [1, 2].map((y) => one(line("effective rank", y), line("participation ratio", 10 * y)));
  const { panels, ordered } = chartWithControls({ ...chart, ordered: true }, [
    { kind: "permuted", charts: draws },
    { kind: "initial", one: true, charts: draws.slice(0, 1) },
  ]);
  expect(ordered).toBeUndefined();
  expect(panels.map(({ title }) => title)).toEqual(["effective rank", "participation ratio"]);
  for (const [p, { series, rule }] of panels.entries()) {
    expect(series.map(({ name, control }) => [name, control])).toEqual([
      ["trained", undefined],
      ["permuted", true],
      ["initial", true],
    ]);
    expect(series[0]!.points).toEqual(chart.panels[0]!.series[p]!.points);
    expect(rule).toEqual({ y: 1, label: "one" });
  }
  expect(panels[1]!.series.map(({ points }) => points[2]!.y)).toEqual([3, 15, 10]);
  expect(chartWithControls(chart, [])).toBe(chart);
  expect(chartWithControls(chart, [{ kind: "permuted", charts: [] }])).toBe(chart);
});

test("where numbers follow from images, the band is the interval over images and draws", () => {
  const constant = (y: number) => one(line("rank", y, () => ({ low: y, high: y, sample: sampleOf(Array(8).fill(y)) })));
  const draws = [1, 2, 3, 4, 5, 6].map(constant);
  const { panels, caption } = chartWithControls(constant(9), [{ kind: "matched", charts: draws }]);
  const [, grey] = panels[0]!.series;
  // The images are all alike, so that Student's interval of the six draws is left: t = 2.5706 at 5 degrees of freedom.
  const half = 2.5706 * Math.sqrt(3.5 / 6);
  expect(grey!.points.map(({ x }) => x)).toEqual(TAPS);
  for (const { y, low, high } of grey!.points) {
    expect(y).toBe(3.5);
    expect(low).toBeCloseTo(3.5 - half, 2);
    expect(high).toBeCloseTo(3.5 + half, 2);
  }
  expect(caption).toBe(
    "Ranks by tap. Grey shows the control, a network of the same graph whose weights carry nothing learned (matched, 6 draws): " +
      "the mean of the draws, with the 95 % interval over images and draws.",
  );
});

test("the trained line has the interval over images where its numbers have none", () => {
  // Of 1, 2, … 6 the mean is 3.5 and the variance 3.5: the jackknife gives Student's interval with 5 degrees of freedom.
  const chart = one(line("area", 3.5, () => ({ sample: sampleOf([1, 2, 3, 4, 5, 6]) })));
  const { panels, caption } = chartWithControls(chart, [{ kind: "permuted", charts: [chart] }]);
  const half = 2.5706 * Math.sqrt(3.5 / 6);
  expect(panels[0]!.series[0]!.points[1]!.low).toBeCloseTo(3.5 - half, 2);
  expect(panels[0]!.series[0]!.points[1]!.high).toBeCloseTo(3.5 + half, 2);
  expect(caption).toMatch(/^Ranks by tap\. The band of the trained network is the 95 % interval over images\. Grey/);
});

test("other bands are the mean of the draws' bands, or their median on a logarithmic axis", () => {
  const curve = (y: number): Chart => ({
    ...one({ name: "conv1", mark: "line", points: [{ x: 1, y, low: y / 2, high: 2 * y }] }),
    x: { label: "index k" },
  });
  const draws = [1, 2, 30].map(curve);
  const grey = (chart: Chart, kinds = [{ kind: "permuted", charts: draws }]) => chartWithControls(chart, kinds);
  expect(grey(curve(4)).panels[0]!.series[1]!.points).toEqual([{ x: 1, y: 11, low: 5.5, high: 22 }]);
  const log = grey({ ...curve(4), y: { label: "σ", log: true } });
  expect(log.panels[0]!.series[1]!.points).toEqual([{ x: 1, y: 2, low: 1, high: 4 }]);
  expect(log.caption).toContain("(permuted, 3 draws): the median of the draws, with the median of their bands.");
  const alone = chartWithControls(curve(4), [{ kind: "initial", one: true, charts: [curve(1)] }]);
  expect(alone.panels[0]!.series[1]!.points).toEqual([{ x: 1, y: 1, low: 0.5, high: 2 }]);
  expect(alone.caption).toContain("learned (initial): with its own band.");
});

test("a point is drawn where at least half of the draws have it; numbers that each network has for itself are matched by order", () => {
  const curve = (length: number, shift = 0): Chart => ({
    ...one({
      name: "a",
      mark: "line",
      points: Array.from({ length }, (_, i) => ({ x: i + 1 + shift, y: length })),
    }),
    x: { label: "index" },
  });
  const places = (chart: Chart, draws: readonly Chart[]) =>
    chartWithControls(chart, [{ kind: "permuted", charts: draws }]).panels[0]!.series[1]!.points.map(({ x }) => x);
  expect(places(curve(2), [curve(4), curve(3), curve(3), curve(1)])).toEqual([1, 2, 3]);
  expect(places(curve(3, 10), [curve(3, 0.25), curve(3, 0.5), curve(3, 0.75)])).toEqual([1.5, 2.5, 3.5]);
  const holes = (skipped: string): Chart => {
    const { name, mark, points } = line("a", 1);
    return one({ name, mark, points: points.filter(({ x }) => x !== skipped) });
  };
  expect(places(one(line("a", 1)), [holes("conv1"), holes("conv1"), holes("relu1")])).toEqual(["relu1", "logits"]);
  expect(
    chartWithControls(curve(2), [{ kind: "permuted", charts: [one(line("another", 1))] }]).panels[0]!.series,
  ).toHaveLength(1);
});

test("of many series at most 12 are shown, from the first to the last, and the caption says so", () => {
  const grid = (panels: number, series: number, more: Partial<Chart> = {}): Chart =>
    chartOf(
      Array.from({ length: panels }, (_, p) => ({
        title: panels === 1 ? "" : `tap ${p}`,
        series: Array.from({ length: series }, (_, s) => line(`kind ${s}`, 1)),
      })),
      more,
    );
  const shown = (chart: Chart) => {
    const { panels, caption } = chartWithControls(chart, [{ kind: "permuted", charts: [chart] }]);
    return { titles: panels.map(({ title }) => title), said: /Of .* lines, .* are shown/.exec(caption)?.[0] };
  };
  const taps = shown(grid(1, 15, { ordered: true }));
  expect(taps.titles).toHaveLength(12);
  expect([taps.titles[0], taps.titles[11], taps.said]).toEqual(["kind 0", "kind 14", "Of 15 lines, 12 are shown"]);
  expect(shown(grid(6, 2)).titles).toHaveLength(12);
  expect(shown(grid(6, 2)).said).toBeUndefined();
  // Kinds of noise are all kept, at the first and the last tap; strengths of noise are spread, as the taps are.
  const kinds = shown(grid(6, 5));
  expect(kinds.titles).toEqual(["tap 0", "tap 5"].flatMap((tap) => [0, 1, 2, 3, 4].map((s) => `${tap}: kind ${s}`)));
  const strengths = shown(grid(6, 7, { ordered: true }));
  expect(strengths.titles).toEqual(
    ["tap 0", "tap 3", "tap 5"].flatMap((tap) => [0, 2, 4, 6].map((s) => `${tap}: kind ${s}`)),
  );
  expect(shown(grid(3, 1)).titles).toEqual(["tap 0", "tap 1", "tap 2"]);
  expect(shown(grid(1, 1)).titles).toEqual([""]);
});

test("maps of images stand beside those of the first draw of the last control, with the same images in the same groups", () => {
  const map = (groups: Readonly<Record<string, readonly number[]>>, shift: number, taps = 6): Chart => ({
    ...chartOf(
      Array.from({ length: taps }, (_, tap) => ({
        title: `tap ${tap}`,
        series: Object.entries(groups).map(([name, images]) => ({
          name,
          mark: "dots" as const,
          points: images.map((image) => ({ x: image + shift, y: tap, image })),
        })),
      })),
    ),
    x: { label: "first", bare: true },
    y: { label: "second", bare: true },
  });
  // What a network calls the images differs between networks; the colours are those of the trained network.
  const { panels, caption } = chartWithControls(map({ cat: [0, 2], dog: [1] }, 0), [
    { kind: "permuted", charts: [map({ cat: [0, 1, 2] }, 10)] },
    { kind: "matched", charts: [map({ cat: [1], bird: [0, 2] }, 20), map({ cat: [0, 1, 2] }, 30)] },
  ]);
  expect(panels.map(({ title, control }) => [title, control])).toEqual(
    [0, 2, 3, 5].flatMap((tap) => [
      [`tap ${tap}, trained`, undefined],
      [`tap ${tap}, matched`, true],
    ]),
  );
  expect(panels[1]!.series.map(({ name, points }) => [name, points.map(({ x }) => x)])).toEqual([
    ["cat", [20, 22]],
    ["dog", [21]],
  ]);
  expect(caption).toContain("Panels in a grey frame show the control matched");
  expect(caption).toContain("(the first of 2 draws). Of 6 panels, 4 are shown");
});
