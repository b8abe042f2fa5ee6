import { areaY, dot, line, plot, ruleX, ruleY, text } from "@observablehq/plot";
import type { Chart, ChartPanel, ChartPoint } from "../results/index.ts";
import { sigmaTicks } from "./axis-ticks.ts";
import { fontFamily, ink, plotContent, standalone } from "./standalone.ts";
import { columnsOf, escapeXml, shorten } from "./text.ts";
import type { Figure, SvgDocument } from "./types.ts";

export interface ChartOptions {
  readonly document: SvgDocument;
  /** Pixels; 760 by default. */
  readonly width?: number;
}

/** Told apart with any colour vision. @see Okabe & Ito 2008 */
const colours = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#e69f00",
  "#7a4fb5",
  "#8c6d1f",
  "#b3123e",
  "#4d4d4d",
];
const PANEL = { least: 170, alone: 300 };
const HEAD = 46;
const LEGEND_LINE = 18;

/**
 * Draws a chart: a panel beside the other as the width allows, one legend for all; lines with bands, or dots. A series of a
 * single point, or without intervals, has no band.
 */
export function chartFigure(chart: Chart, { document, width = 760 }: ChartOptions): Figure {
  const { title, caption, panels } = chart;
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const colourOf = (name: string) => colours[names.indexOf(name) % colours.length]!;
  const columns = panels.length === 1 ? 1 : Math.max(2, Math.floor(width / PANEL.least));
  const size = panelSize(chart, width, columns);
  const legend = legendOf(names.length > 1 ? names : [], colourOf, width);
  const top = HEAD + legend.height;
  const drawn = panels.map((panel, i) => {
    const place = `translate(${(i % columns) * size.width},${top + Math.floor(i / columns) * size.height})`;
    return `<g transform="${place}">${plotContent(drawPanel(chart, panel, { ...size, document, colourOf }))}</g>`;
  });
  const heading =
    `<text x="16" y="24" font-size="13" font-weight="600">${escapeXml(shorten(title, Math.floor((width - 32) / 7)))}</text>` +
    `<g transform="translate(0,${HEAD - 10})">${legend.markup}</g>`;
  const height = top + Math.ceil(panels.length / columns) * size.height;
  return { svg: standalone(heading + drawn.join(""), { width, height, title, caption }), caption };
}

function panelSize({ x, panels }: Chart, width: number, columns: number) {
  if (panels.length > 1) return { width: width / columns, height: width / columns + 24 };
  const longest = Math.max(0, ...(x.names ?? []).map((name) => columnsOf(shorten(name, 18))));
  return { width, height: PANEL.alone + (x.names === undefined ? 0 : longest * 4.4) };
}

interface PanelOptions {
  readonly document: SvgDocument;
  readonly width: number;
  readonly height: number;
  readonly colourOf: (name: string) => string;
}

function drawPanel({ x, y, panels }: Chart, { title, series, rule }: ChartPanel, options: PanelOptions) {
  const { document, width, height, colourOf } = options;
  const bare = x.bare === true && y.bare === true;
  const isNamed = x.names !== undefined;
  const shown = panels.flatMap((panel) => panel.series.flatMap(({ points }) => points));
  const values = shown.flatMap(({ y: at, low, high }) => [at, low ?? at, high ?? at]).filter(Number.isFinite);
  if (rule !== undefined) values.push(rule.y);
  const domain = domainOf(values, y.log === true);
  const drawable = (points: readonly ChartPoint[]) =>
    points.filter((point) => Number.isFinite(point.y) && (!y.log || point.y > 0));
  return plot({
    document,
    width,
    height,
    className: "pushforward-chart",
    marginLeft: bare ? 8 : 56,
    marginRight: bare ? 8 : 20,
    marginTop: title === "" ? 24 : 26,
    marginBottom: bare ? 8 : isNamed ? height - PANEL.alone + 60 : 42,
    style: { fontFamily, fontSize: "11px", color: ink, background: "white" },
    x: bare
      ? { axis: null, inset: 6, domain: extentOf(shown.map((point) => Number(point.x))) }
      : isNamed
        ? {
            type: "point",
            domain: x.names!,
            label: x.label,
            labelArrow: "none",
            padding: 0.4,
            tickRotate: -40,
            tickFormat: (name: string) => shorten(name, 18),
          }
        : { type: x.log ? "log" : "linear", label: x.label, labelAnchor: "center", labelArrow: "none" },
    y: bare
      ? { axis: null, inset: 6, domain: extentOf(shown.map((point) => point.y)) }
      : {
          type: y.log ? "log" : "linear",
          domain,
          label: null,
          grid: true,
          ...(y.log ? sigmaTicks(domain) : { ticks: 5 }),
        },
    marks: [
      text([title || y.label], {
        frameAnchor: "top-left",
        dx: bare ? 0 : -40,
        dy: -16,
        textAnchor: "start",
        fontWeight: bare ? 600 : 400,
      }),
      ...(rule === undefined
        ? []
        : [
            ruleY([rule.y], { stroke: ink, strokeWidth: 0.8, strokeDasharray: "5,3" }),
            text([rule.label], { frameAnchor: "right", y: rule.y, dy: -7, textAnchor: "end" }),
          ]),
      ...series.flatMap(({ name, mark, points }) => {
        const colour = colourOf(name);
        const there = drawable(points);
        const spread = there.filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high));
        if (mark === "dots")
          return [dot(there, { x: "x", y: "y", r: bare ? 2.4 : 3, fill: colour, fillOpacity: 0.85 })];
        return [
          ...(spread.length > 1
            ? [areaY(spread, { x: "x", y1: "low", y2: "high", fill: colour, fillOpacity: 0.16 })]
            : [ruleX(spread, { x: "x", y1: "low", y2: "high", stroke: colour })]),
          line(there, { x: "x", y: "y", stroke: colour, strokeWidth: 1.5 }),
          ...(there.length <= 40 ? [dot(there, { x: "x", y: "y", r: 2.4, fill: colour })] : []),
        ];
      }),
    ],
  });
}

/** A little more than the values span; of a logarithmic axis at least half a decade. */
function domainOf(values: readonly number[], log: boolean): [number, number] {
  const usable = log ? values.filter((value) => value > 0) : values;
  const [low, high] = usable.length === 0 ? [log ? 0.1 : 0, 1] : [Math.min(...usable), Math.max(...usable)];
  if (log) return high / low < 3 ? [low / 1.8, high * 1.8] : [low / 1.2, high * 1.2];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low >= 0 && low < 0.5 * high ? 0 : low - room, high + room];
}

/** The same for all panels, so that clouds compare. */
function extentOf(values: readonly number[]): [number, number] {
  const most = Math.max(1e-9, ...values.map(Math.abs));
  return [-most, most];
}

function legendOf(names: readonly string[], colourOf: (name: string) => string, width: number) {
  let [x, y] = [16, 0];
  const entries = names.map((name) => {
    const label = shorten(name, 28);
    const room = 26 + 6.4 * columnsOf(label);
    if (x + room > width && x > 16) [x, y] = [16, y + LEGEND_LINE];
    const entry =
      `<g transform="translate(${x},${y})"><circle cx="4" cy="6" r="4" fill="${colourOf(name)}"/>` +
      `<text x="12" y="10">${escapeXml(label)}</text></g>`;
    x += room;
    return entry;
  });
  return { markup: entries.join(""), height: names.length === 0 ? 0 : y + LEGEND_LINE };
}
