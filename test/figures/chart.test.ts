import { expect, test } from "vitest";
import { chartFigure, inputPicture } from "../../src/figures/index.ts";
import type { Chart, ChartPanel, ChartSeries } from "../../src/results/index.ts";
import { document, rounded } from "./units.ts";

const lines: Chart = {
  id: "lines",
  title: "What <survives>",
  caption: "Two series by tap.",
  x: { label: "tap, by depth", names: ["conv1", "relu1", "logits"] },
  y: { label: "share" },
  panels: [
    {
      title: "",
      rule: { y: 0.5, label: "chance" },
      series: [
        {
          name: "within",
          mark: "line",
          points: [
            { x: "conv1", y: 1, low: 0.9, high: 1.1 },
            { x: "relu1", y: 0.7, low: 0.6, high: 0.8 },
            { x: "logits", y: 0.2, low: 0.1, high: 0.4 },
          ],
        },
        {
          name: "between",
          mark: "line",
          points: [
            { x: "conv1", y: 0.9 },
            { x: "logits", y: Number.NaN },
          ],
        },
      ],
    },
  ],
};

test("lines with bands over named places, as stored", async () => {
  const { svg, caption } = chartFigure(lines, { document });
  await expect(rounded(svg)).toMatchFileSnapshot("drawings/chart-lines.svg");
  expect(caption).toBe(lines.caption);
  expect(svg).not.toMatch(/NaN|<survives>/);
});

test("panels of dots share one scale, as stored", async () => {
  const dots = (scale: number) => ({
    name: "a",
    mark: "dots" as const,
    points: [
      { x: -scale, y: scale },
      { x: scale, y: 0 },
    ],
  });
  const bare = { label: "direction", bare: true };
  const panels = ["one", "two", "three"].map((title, i) => ({ title, series: [dots(i + 1)] }));
  const { svg } = chartFigure({ ...lines, id: "dots", x: bare, y: bare, panels }, { document, width: 380 });
  await expect(rounded(svg)).toMatchFileSnapshot("drawings/chart-dots.svg");
});

test("logarithmic axes leave out what has no place on them; no numbers at all are an empty frame", () => {
  const points = [
    { x: 0.01, y: 0 },
    { x: 0.1, y: 1e-3 },
    { x: 1, y: 10 },
  ];
  const log: Chart = {
    ...lines,
    x: { label: "level", log: true },
    y: { label: "σ", log: true },
    panels: [{ title: "", series: [{ name: "a", mark: "line", points }] }],
  };
  expect(chartFigure(log, { document }).svg).not.toMatch(/NaN|Infinity/);
  expect(chartFigure({ ...log, panels: [{ title: "", series: [] }] }, { document }).svg).not.toMatch(/NaN|Infinity/);
});

/** So many lines with intervals over two places. */
const linesOf = (count: number): Chart["panels"][number]["series"] =>
  Array.from({ length: count }, (_, i) => ({
    name: `line ${i}`,
    mark: "line",
    points: ["conv1", "logits"].map((x) => ({ x, y: i + 1, low: i + 0.5, high: i + 1.5 })),
  }));
const chartOf = (count: number): Chart => ({ ...lines, panels: [{ title: "", series: linesOf(count) }] });

test("three lines have bands; of more, only the last points have bars, and the caption says so", () => {
  const [few, many] = [3, 4].map((count) => chartFigure(chartOf(count), { document }));
  expect(few!.svg.match(/aria-label="area"/g)).toHaveLength(3);
  expect(few!.caption).toBe(lines.caption);
  expect(many!.svg).not.toContain('aria-label="area"');
  expect(many!.svg.match(/aria-label="rule"/g)).toHaveLength(4);
  expect(many!.caption).toContain("only the interval of each line's last point is drawn, as a bar");
});

test("lines of one panel are named at their ends, unless the names are long and the drawing narrow; panels share a legend", () => {
  const isNamedAtEnds = (chart: Chart, width: number) =>
    chartFigure(chart, { document, width }).svg.includes('aria-label="curve labels"');
  const long = {
    ...chartOf(2),
    panels: [{ title: "", series: linesOf(2).map((line) => ({ ...line, name: `a ${line.name} of length` })) }],
  };
  expect([isNamedAtEnds(chartOf(2), 900), isNamedAtEnds(chartOf(2), 380)]).toEqual([true, true]);
  expect([isNamedAtEnds(long, 900), isNamedAtEnds(long, 380)]).toEqual([true, false]);
  expect(isNamedAtEnds({ ...chartOf(2), panels: [...chartOf(2).panels, ...chartOf(2).panels] }, 900)).toBe(false);
  expect(isNamedAtEnds(chartOf(1), 900)).toBe(false);
});

test("names of lines that end at one place stand in one column, also if only the longer one needs it", () => {
  const series = ["trained", "permuted in another order"].map((name, i) => ({ ...linesOf(2)[i]!, name }));
  const { svg } = chartFigure({ ...chartOf(2), panels: [{ title: "", series }] }, { document, width: 900 });
  const labels = /aria-label="curve labels".*?<\/g>(.*?)<\/g>/.exec(svg)![1]!;
  const places = [...labels.matchAll(/ x="([\d.]+)"/g)].map(([, x]) => x);
  expect(places).toHaveLength(2);
  expect(new Set(places).size).toBe(1);
});

test("kinds differ in colour and in shape; an order has a ramp of colours and one shape", () => {
  const looks = (chart: Chart) => {
    const { svg } = chartFigure({ ...chart, panels: [...chart.panels, ...chart.panels] }, { document });
    const legend = [...svg.matchAll(/<line x1="-5"[^>]*stroke="([^"]+)"[^>]*\/><path d="([^"]+)"/g)];
    return {
      colours: new Set(legend.map(([, colour]) => colour)).size,
      shapes: new Set(legend.map(([, , d]) => d)).size,
    };
  };
  expect(looks(chartOf(10))).toEqual({ colours: 10, shapes: 10 });
  expect(looks({ ...chartOf(10), ordered: true })).toEqual({ colours: 10, shapes: 1 });
});

test("pictures stand at their points: of few images all, of many one a series; they are held once", () => {
  const cloud = (each: number): Chart => {
    const series = ["a", "b"].map((name, s) => ({
      name,
      mark: "dots" as const,
      points: Array.from({ length: each }, (_, i) => ({ x: i, y: s, image: s * each + i })),
    }));
    const bare = { label: "direction", bare: true };
    return { ...lines, id: "cloud", x: bare, y: bare, panels: ["one", "two"].map((title) => ({ title, series })) };
  };
  const picture = inputPicture([0, 1], [1, 1, 2], { scale: 1 / 255 }, 2);
  const drawn = (each: number) => {
    const { svg } = chartFigure(cloud(each), { document, pictureOf: (image) => (image === 1 ? undefined : picture) });
    return [/<image/g, /<use/g].map((pattern) => (svg.match(pattern) ?? []).length);
  };
  expect(drawn(3)).toEqual([5, 10]); // two panels; one image has no picture, and is a marker
  expect(drawn(20)).toEqual([2, 4]);
  expect(chartFigure(cloud(3), { document }).svg).not.toContain("<use");
});

/** The colours of lines in the order in which they are drawn. */
const coloursOf = (svg: string) =>
  [...svg.matchAll(/<g ([^>]*aria-label="line"[^>]*)>/g)].map(
    ([, attributes]) => /stroke="([^"]+)"/.exec(attributes!)![1],
  );

/** A panel of a coloured line and two controls, with the interval of a control below zero. */
const compared = (title: string, scale: number): ChartPanel => ({
  title,
  rule: { y: 1, label: "unchanged" },
  series: [
    ...linesOf(1).map((line) => ({ ...line, name: "trained" })),
    ...["permuted", "matched"].map((name, i) => ({
      name,
      control: true as const,
      mark: "line" as const,
      points: ["conv1", "relu1", "logits"].map((x, t) => ({ x, y: scale / (1 + t + i), low: i - 1, high: scale })),
    })),
  ],
});

test("controls are grey bands below the trained line, the second dashed, as stored", async () => {
  const panels = [
    compared("conv1: spread", 3),
    compared("a tap with a long name: rank correlation of σ with the area", 2),
  ];
  const { svg } = chartFigure({ ...lines, y: { label: "share", log: true }, panels }, { document, width: 420 });
  await expect(rounded(svg)).toMatchFileSnapshot("drawings/chart-controls.svg");
  expect(svg).not.toMatch(/NaN|Infinity/);
  expect(coloursOf(svg).slice(0, 3)).toEqual(["#606060", "#949494", "#0072b2"]);
});

test("a control's band does not count among the bands, and controls leave the other colours as they are", () => {
  const withControl = (count: number): Chart => ({
    ...chartOf(count),
    panels: [{ title: "", series: [...compared("", 1).series.slice(1), ...linesOf(count)] }],
  });
  const [few, many] = [3, 4].map((count) => chartFigure(withControl(count), { document }));
  expect(few!.svg.match(/aria-label="area"/g)).toHaveLength(5);
  expect(few!.caption).toBe(lines.caption);
  expect(many!.svg.match(/aria-label="area"/g)).toHaveLength(2); // those of the controls
  for (const ordered of [false, true]) {
    const [without, controlled] = [chartOf(4), withControl(4)].map((chart) => {
      return coloursOf(chartFigure({ ...chart, ordered }, { document }).svg);
    });
    expect(without).toHaveLength(4);
    expect(controlled!.slice(2)).toEqual(without);
  }
});

test("dots of a control are grey, and a panel of a control has a grey frame", () => {
  const dots = (control?: true): ChartSeries => ({
    name: control ? "matched" : "a",
    mark: "dots",
    points: [{ x: "conv1", y: 1 }],
    ...(control ? { control } : {}),
  });
  const svgOf = (panel: ChartPanel) => chartFigure({ ...lines, panels: [panel] }, { document }).svg;
  expect(svgOf({ title: "", series: [dots(), dots(true)] })).toMatch(/fill="#606060"/);
  expect(svgOf({ title: "", series: [dots()] })).not.toMatch(/#606060|aria-label="frame"/);
  expect(svgOf({ title: "", series: [dots()], control: true })).toMatch(/stroke="#949494"[^>]*aria-label="frame"/);
});

test("long titles of panels are broken into lines; the axis that all panels share is named once", () => {
  const title = "features.12.squeeze: share of the squared length of the difference";
  const panels = [title, "short"].map((each) => ({ title: each, series: linesOf(1) }));
  const { svg } = chartFigure({ ...lines, panels }, { document, width: 420 });
  const shown = [...svg.matchAll(/<tspan[^>]*>([^<]+)<\/tspan>/g)].map(([, line]) => line);
  expect(shown.slice(0, 3).join(" ")).toBe(title);
  expect(svg.match(/↑ share</g)).toHaveLength(1);
});

test("names below an axis stay within the drawing, and numbers on a logarithmic axis have room", () => {
  const names = Array.from({ length: 24 }, (_, i) => `features.denseblock${i}.conv2`);
  const panel = { title: "", series: [{ ...linesOf(1)[0]!, points: names.map((x) => ({ x, y: 1 })) }] };
  const svgOf = (chart: Partial<Chart>, width: number) =>
    chartFigure({ ...lines, panels: [panel, panel], ...chart }, { document, width }).svg;
  const firstName = (width: number) => {
    const svg = svgOf({ x: { label: "tap", names } }, width);
    const [, x, name] = /translate\(([\d.]+),[\d.]+\) rotate\(-40\)"[^>]*>([^<]+)</.exec(svg)!;
    return { x: Number(x), columns: name!.length };
  };
  for (const width of [420, 860]) {
    const { x, columns } = firstName(width);
    // A letter of 11 pixels is some 6 wide; the name is turned by 40 degrees.
    expect(columns).toBeGreaterThan(8);
    expect(columns * 6 * Math.cos((40 * Math.PI) / 180)).toBeLessThan(x + 3);
  }
  const decades = [0.01, 0.03, 0.1, 0.6].map((x) => ({ x, y: x }));
  const numbers = (width: number) => {
    const of = { title: "", series: [{ ...linesOf(1)[0]!, points: decades }] };
    const svg = svgOf({ x: { label: "length", log: true }, panels: [of, of] }, width);
    const axis = /aria-label="x-axis tick label">(.*?)<\/g>/.exec(svg)![1]!;
    return [...axis.matchAll(/>([\d.]+)</g)].map(([, number]) => Number(number));
  };
  expect(numbers(860)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5]);
  expect(numbers(420)).toEqual([0.01, 0.1, 0.5]);
});

test("dots without intervals on a plain axis of numbers stand within its ticks", () => {
  const points = [
    { x: 28, y: 0.2 },
    { x: 42, y: 0.3 },
  ];
  const chart: Chart = {
    ...lines,
    x: { label: "rank" },
    panels: [{ title: "", series: [{ name: "one", mark: "dots", points }] }],
  };
  const { svg } = chartFigure(chart, { document });
  for (const tick of ["28", "34", "42"]) expect(svg).toContain(`>${tick}<`);
  expect(svg).not.toContain(">0.5<");
});
