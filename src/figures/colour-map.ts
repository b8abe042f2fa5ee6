import { areaY, dot, frame, line, plot, rect, scale } from "@observablehq/plot";
import type { ChartSeries, ColourCell, ColourMap } from "../results/index.ts";
import { sigmaTicks, spacedTicks, type Ticks } from "./axis-ticks.ts";
import { controlColours, ink, kindColours } from "./colours.ts";
import { fontFamily, NARROW, plotContent, standalone } from "./standalone.ts";
import { columnsOf, escapeXml, shorten, wrapped } from "./text.ts";
import type { Figure, SvgDocument } from "./types.ts";

export interface ColourMapOptions {
  readonly document: SvgDocument;
  /** Pixels; 760 by default. */
  readonly width?: number;
}

/** Pixels. */
const MAP_HEIGHT = 170;
const CURVES_HEIGHT = 130;
const TITLE_LINE = 17;
const LEGEND = { width: 160, height: 10, steps: 32 } as const;
const MARGIN = { left: 44, right: 14, top: 24, bottom: 26 } as const;

/**
 * Draws a map: panels of colours over two logarithmic axes, and below each column of them the curves, on the same horizontal axis. In a
 * wide drawing of a map with controls, each panel stands beside that of the control.
 */
export function colourMapFigure(map: ColourMap, { document, width = 760 }: ColourMapOptions): Figure {
  const { title, caption, panels, curves, colour } = map;
  const { apply } = scale({ color: { type: "linear", domain: [...colour.ends], scheme: "viridis", clamp: true } });
  const colourOf = (value: number) => apply(value) as string;
  const columns = width < NARROW || panels.length < 2 ? 1 : 2;
  const each = width / columns;
  const ranges = rangesOf(panels.flatMap(({ cells }) => cells));
  const titleLines = wrapped(title, Math.floor((width - 32) / 7.5));
  const head = 20 + titleLines.length * TITLE_LINE + LEGEND.height + 24;
  const placed = (content: string, x: number, y: number) => `<g transform="translate(${x},${y})">${content}</g>`;
  const maps = panels.map((panel, i) => {
    const drawing = panelOf(map, panel, { document, width: each, ranges, colourOf });
    return placed(plotContent(drawing), (i % columns) * each, head + Math.floor(i / columns) * MAP_HEIGHT);
  });
  const below = head + Math.ceil(panels.length / columns) * MAP_HEIGHT;
  const withCurves = panels.slice(0, columns).flatMap(({ control }, column) => (control ? [] : [column]));
  const drawn =
    curves.length === 0
      ? []
      : withCurves.map((column) =>
          placed(plotContent(curvesOf(map, { document, width: each, ranges })), column * each, below),
        );
  const height = below + (curves.length === 0 ? 0 : CURVES_HEIGHT + 18);
  const titles = titleLines.map(
    (text, i) => `<text x="16" y="${24 + i * TITLE_LINE}" font-size="13" font-weight="600">${escapeXml(text)}</text>`,
  );
  const legend = placed(legendOf(map, colourOf), 16, 14 + titleLines.length * TITLE_LINE);
  const names = curves.length === 0 ? "" : placed(namesOf(curves), 16, height - 8);
  const content = `${titles.join("")}${legend}${maps.join("")}${drawn.join("")}${names}`;
  return { svg: standalone(content, { width, height, title, caption }), caption };
}

/** The edges of cells on both axes, by their places. */
interface Ranges {
  readonly x: ReadonlyMap<number, readonly [number, number]>;
  readonly y: ReadonlyMap<number, readonly [number, number]>;
}

const rangesOf = (cells: readonly ColourCell[]): Ranges => ({
  x: edgesOf(cells.map(({ x }) => x)),
  y: edgesOf(cells.map(({ y }) => y)),
});

/** The edges of each place on a logarithmic axis: half-way to its neighbours. */
function edgesOf(values: readonly number[]): Map<number, readonly [number, number]> {
  const places = [...new Set(values)].sort((a, b) => a - b);
  const between = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : Math.sqrt(a * b);
  return new Map(
    places.map((place, i) => {
      const [low, high] = [between(places[i - 1], place), between(place, places[i + 1])];
      const reach = low === undefined ? (high === undefined ? Math.SQRT2 : high / place) : place / low;
      return [place, [low ?? place / reach, high ?? place * reach]] as const;
    }),
  );
}

function domainOf(edges: Ranges["x"]): [number, number] {
  const all = [...edges.values()].flat();
  return all.length === 0 ? [1, 10] : [Math.min(...all), Math.max(...all)];
}

interface PanelOptions {
  readonly document: SvgDocument;
  readonly width: number;
  readonly ranges: Ranges;
}

const looks = ({ document, width }: PanelOptions) => ({
  document,
  width,
  className: "pushforward-map",
  marginLeft: MARGIN.left,
  marginRight: MARGIN.right,
  marginTop: MARGIN.top,
  marginBottom: MARGIN.bottom,
  style: { fontFamily, fontSize: "11px", color: ink, background: "white" },
});

const stepAxis = ({ width, ranges }: PanelOptions) => {
  const domain = domainOf(ranges.x);
  return { type: "log", domain, label: null, ...spacedTicks(domain, width - MARGIN.left - MARGIN.right) } as const;
};

function panelOf(
  { y }: ColourMap,
  { title, control, cells }: ColourMap["panels"][number],
  options: PanelOptions & { readonly colourOf: (value: number) => string },
) {
  const { width, ranges, colourOf } = options;
  const domain = domainOf(ranges.y);
  const ticks: Ticks = sigmaTicks(domain);
  const rectangles = cells.map(({ x, y: row, value }) => {
    const [[x1, x2], [y1, y2]] = [ranges.x.get(x)!, ranges.y.get(row)!];
    return { x1, x2, y1, y2, fill: colourOf(value) };
  });
  const [name, axis] = [shorten(title, Math.floor((width - 120) / 6.9)), y];
  return plot({
    ...looks(options),
    height: MAP_HEIGHT,
    x: stepAxis(options),
    y: { type: "log", domain, reverse: true, label: `${name} (${axis})`, labelArrow: "none", ...ticks },
    color: { type: "identity" },
    marks: [
      rect(rectangles, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "fill", inset: -0.2 }),
      frame(control ? { stroke: controlColours[1], strokeWidth: 3 } : { stroke: ink, strokeWidth: 0.8 }),
    ],
  });
}

function curvesOf({ curves }: ColourMap, options: PanelOptions) {
  return plot({
    ...looks(options),
    height: CURVES_HEIGHT,
    x: stepAxis(options),
    y: { domain: [0, 1], label: "share", labelArrow: "none", grid: true, ticks: 5 },
    marks: curves.flatMap((series, i) => {
      const stroke = colourOfCurve(i);
      const points = series.points.filter(({ y }) => Number.isFinite(y));
      const bands = points.filter(({ low }) => Number.isFinite(low));
      return [
        areaY(bands, { x: "x", y1: "low", y2: "high", fill: stroke, fillOpacity: 0.16, clip: true }),
        line(points, { x: "x", y: "y", stroke, strokeWidth: 1.5 }),
        dot(points, { x: "x", y: "y", r: 2, fill: stroke }),
      ];
    }),
  });
}

const colourOfCurve = (i: number): string => kindColours[i % kindColours.length]!;

/** The names of the curves in one line. */
function namesOf(curves: readonly ChartSeries[]): string {
  let x = 28;
  return curves
    .map(({ name }, i) => {
      const label = shorten(name, 28);
      const entry = `<circle cx="${x}" cy="-4" r="3.5" fill="${colourOfCurve(i)}"/><text x="${x + 8}" y="0">${escapeXml(label)}</text>`;
      x += 30 + 6.4 * columnsOf(label);
      return entry;
    })
    .join("");
}

/** The colours from one end to the other, with the numbers of both. */
function legendOf(
  {
    x,
    colour: {
      label,
      ends: [low, high],
    },
  }: ColourMap,
  colourOf: (value: number) => string,
): string {
  const { width, height, steps } = LEGEND;
  const boxes = Array.from({ length: steps }, (_, i) => {
    const value = low + ((i + 0.5) * (high - low)) / steps;
    return `<rect x="${28 + (i * width) / steps}" width="${width / steps + 0.3}" height="${height}" fill="${colourOf(value)}"/>`;
  });
  const [y, end] = [height - 1, 28 + width + 6];
  return `<text x="22" y="${y}" text-anchor="end">${low}</text>${boxes.join("")}<text x="${end}" y="${y}">${high}  ${escapeXml(label)}; horizontal: ${escapeXml(x)}</text>`;
}
