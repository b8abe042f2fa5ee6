import { areaY, dot, line, plot, ruleX, ruleY, text } from "@observablehq/plot";
import type { Chart, ChartPanel, ChartPoint } from "../results/index.ts";
import { sigmaTicks } from "./axis-ticks.ts";
import { ink, kindColours } from "./colours.ts";
import { fontFamily, plotContent, standalone } from "./standalone.ts";
import { columnsOf, escapeXml, shorten } from "./text.ts";
import type { Figure, SvgDocument } from "./types.ts";

export interface ChartOptions {
  readonly document: SvgDocument;
  /** Pixels; 760 by default. */
  readonly width?: number;
}

const PANEL = { least: 170, highest: 300 };
/** Room for a label that all panels share. */
const SHARED_LABEL = 22;
const HEAD = 46;
const LEGEND_LINE = 18;

/**
 * Draws a chart: a panel beside the other as the width allows, one legend for all; lines with bands, or dots. A series of a
 * single point, or without intervals, has no band.
 */
export function chartFigure(chart: Chart, { document, width = 760 }: ChartOptions): Figure {
  const { title, caption, panels } = chart;
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const colourOf = (name: string) => kindColours[names.indexOf(name) % kindColours.length]!;
  const columns = Math.min(panels.length, Math.max(2, Math.floor(width / PANEL.least))) || 1;
  const size = panelSize(chart, width, columns);
  const rules = new Set(panels.flatMap(({ rule }) => (rule === undefined || rule.label === "" ? [] : [rule.label])));
  const series = names.length > 1 ? names.map((name) => ({ name, mark: disc(colourOf(name)) })) : [];
  const legend = legendOf([...series, ...[...rules].map((name) => ({ name, mark: dashes }))], width);
  const top = HEAD + legend.height;
  const drawn = panels.map((panel, i) => {
    const place = `translate(${(i % columns) * size.width},${top + Math.floor(i / columns) * size.height})`;
    return `<g transform="${place}">${plotContent(drawPanel(chart, panel, { ...size, document, colourOf }))}</g>`;
  });
  const heading =
    `<text x="16" y="24" font-size="13" font-weight="600">${escapeXml(shorten(title, Math.floor((width - 32) / 7.5)))}</text>` +
    `<g transform="translate(0,${HEAD - 10})">${legend.markup}</g>`;
  const bottom = top + Math.ceil(panels.length / columns) * size.height;
  const isShared = panels.length > 1 && chart.x.bare !== true;
  const label = isShared
    ? `<text x="${width / 2}" y="${bottom + 10}" text-anchor="middle">${escapeXml(chart.x.label)}</text>`
    : "";
  const height = bottom + (isShared ? SHARED_LABEL : 0);
  return { svg: standalone(heading + drawn.join("") + label, { width, height, title, caption }), caption };
}

function panelSize({ x, panels }: Chart, width: number, columns: number) {
  /** Room for names, which are turned. */
  const names = 4.4 * Math.max(0, ...(x.names ?? []).map((name) => columnsOf(shorten(name, 18))));
  const height = panels.length > 1 ? Math.min(width / columns + 24, PANEL.highest) : PANEL.highest;
  return { width: width / columns, height: height + names, names };
}

interface PanelOptions {
  readonly document: SvgDocument;
  readonly width: number;
  readonly height: number;
  readonly names: number;
  readonly colourOf: (name: string) => string;
}

function drawPanel({ x, y, panels }: Chart, { title, series, rule }: ChartPanel, options: PanelOptions) {
  const { document, width, height, names, colourOf } = options;
  const bare = x.bare === true && y.bare === true;
  const isNamed = x.names !== undefined;
  const ownLabel = panels.length > 1 ? null : x.label;
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
    marginBottom: bare ? 8 : isNamed ? names + (ownLabel === null ? 24 : 60) : 42,
    style: { fontFamily, fontSize: "11px", color: ink, background: "white" },
    x: bare
      ? { axis: null, inset: 6, domain: extentOf(shown.map((point) => Number(point.x))) }
      : isNamed
        ? {
            type: "point",
            domain: x.names!,
            label: ownLabel,
            labelArrow: "none",
            padding: 0.4,
            tickRotate: -40,
            tickFormat: (name: string) => shorten(name, 18),
          }
        : {
            type: x.log ? "log" : "linear",
            label: ownLabel,
            labelAnchor: "center",
            labelArrow: "none",
            ...(x.log ? logScale(shown.map((point) => Number(point.x))) : width < 300 ? { ticks: 4 } : {}),
          },
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
      ...(rule === undefined ? [] : [ruleY([rule.y], { stroke: ink, strokeWidth: 0.8, strokeDasharray: "5,3" })]),
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

/** The same span for all panels, and its ticks. */
function logScale(values: readonly number[]) {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return {};
  const domain: [number, number] = [Math.min(...positive), Math.max(...positive)];
  return { domain, ...sigmaTicks(domain) };
}

/** The same for all panels, so that clouds compare. */
function extentOf(values: readonly number[]): [number, number] {
  const most = Math.max(1e-9, ...values.map(Math.abs));
  return [-most, most];
}

const disc = (colour: string): string => `<circle cx="4" cy="6" r="4" fill="${colour}"/>`;
const dashes = `<line x1="-4" x2="9" y1="6" y2="6" stroke="${ink}" stroke-width="0.8" stroke-dasharray="5,3"/>`;

function legendOf(all: readonly { readonly name: string; readonly mark: string }[], width: number) {
  let [x, y] = [16, 0];
  const entries = all.map(({ name, mark }) => {
    const label = shorten(name, 28);
    const room = 26 + 6.4 * columnsOf(label);
    if (x + room > width && x > 16) [x, y] = [16, y + LEGEND_LINE];
    const entry = `<g transform="translate(${x},${y})">${mark}<text x="12" y="10">${escapeXml(label)}</text></g>`;
    x += room;
    return entry;
  });
  return { markup: entries.join(""), height: all.length === 0 ? 0 : y + LEGEND_LINE };
}
