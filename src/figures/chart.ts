import type { Chart } from "../results/index.ts";
import { heightOfNames, nameColumnsFor } from "./axis-ticks.ts";
import { AXIS_ROOM, drawPanel, hasBarsOnly, PANEL_TITLE_LINE, titleOf } from "./chart-panel.ts";
import { ink } from "./colours.ts";
import { labelSpacing } from "./curve-labels.ts";
import { markerPath } from "./markers.ts";
import type { Picture } from "./picture.ts";
import { pictureDefinition } from "./picture-parts.ts";
import { distinctSeries, isControl, looksOf, type SeriesLook } from "./series-look.ts";
import { NARROW, plotContent, standalone } from "./standalone.ts";
import { columnsOf, escapeXml, shorten, wrapped } from "./text.ts";
import type { Figure, SvgDocument } from "./types.ts";

export interface ChartOptions {
  readonly document: SvgDocument;
  /** Pixels; 760 by default. */
  readonly width?: number;
  /**
   * Gives the picture of an image, by its number, to be drawn at the image's point. Without it, points are drawn as
   * markers.
   */
  readonly pictureOf?: (image: number) => Picture | undefined;
}

/** Pixels. A panel without axes can be less wide than another. */
const PANEL = { least: 200, leastBare: 180, highest: 300 };
/** The height in pixels of the label of an axis that all panels share. */
const SHARED_LABEL = 22;
const HEAD = 46;
const TITLE_LINE = 17;
/** The longest name, in columns, that stands beside a line of a narrow drawing; in a wide one, names are cut to the other number. */
const SHORT_NAME = 14;
const LONG_NAME = 26;
const LEGEND_LINE = 18;

/**
 * Draws a chart. As many panels stand side by side as the width allows. Series are drawn as lines with bands, or as markers. The
 * lines of a single panel are named at their ends; the lines of several panels are named in one legend. A series of a single
 * point, or without intervals, has no band. Where many lines have intervals, only the intervals at the last points are drawn,
 * as bars, and the caption says so.
 */
export function chartFigure(chart: Chart, options: ChartOptions): Figure {
  const { document, width = 760, pictureOf = () => undefined } = options;
  const { title, panels } = chart;
  const caption = captionOf(chart);
  const lookOf = looksOf(chart);
  const distinct = distinctSeries(chart);
  const names = distinct.map(({ name }) => name);
  const hasLines = panels.some(({ series }) => series.some(({ mark }) => mark === "line"));
  const hasBands = panels.some(({ series }) => {
    return series.some((each) => isControl(each) && each.points.some(({ low }) => Number.isFinite(low)));
  });
  const longest = Math.max(0, ...names.map(columnsOf));
  const isNamedAtEnds =
    panels.length === 1 && names.length > 1 && hasLines && (width >= NARROW || longest <= SHORT_NAME);
  const size = panelSize(chart, width, isNamedAtEnds ? names.length : 0);
  const rules = new Set(panels.flatMap(({ rule }) => (rule === undefined || rule.label === "" ? [] : [rule.label])));
  const inLegend = names.length > 1 && !isNamedAtEnds ? distinct : [];
  const legend = legendOf(
    [
      ...inLegend.map((series) => ({
        name: series.name,
        mark:
          hasLines && isControl(series) ? controlSample(lookOf(series), hasBands) : sample(lookOf(series), hasLines),
      })),
      ...[...rules].map((name) => ({ name, mark: dashes })),
    ],
    width,
  );
  const pictures = picturesOf(chart, pictureOf, width);
  const titleLines = wrapped(title, Math.floor((width - 32) / 7.5));
  const head = HEAD + (titleLines.length - 1) * TITLE_LINE;
  const hasLabels = panels.length > 1 && chart.x.bare !== true;
  // The title of a panel stands where the label of its own axis would.
  const hasVerticalLabel = chart.x.bare !== true && panels.some((panel) => panels.length > 1 || panel.title !== "");
  const top = head + legend.height + (hasVerticalLabel ? SHARED_LABEL - 12 : 0);
  const drawn = panels.map((panel, i) => {
    const place = `translate(${(i % size.columns) * size.width},${top + Math.floor(i / size.columns) * size.height})`;
    const nameColumns = isNamedAtEnds ? LONG_NAME : 0;
    const content = drawPanel(chart, panel, {
      ...size,
      document,
      lookOf,
      nameColumns,
      thumbnailOf: (image) => pictures.get(image),
    });
    return `<g transform="${place}">${plotContent(content)}</g>`;
  });
  const titles = titleLines.map((line, i) => {
    return `<text x="16" y="${24 + i * TITLE_LINE}" font-size="13" font-weight="600">${escapeXml(line)}</text>`;
  });
  const heading = `${titles.join("")}<g transform="translate(0,${head - 10})">${legend.markup}</g>`;
  const bottom = top + Math.ceil(panels.length / size.columns) * size.height;
  const labels =
    (hasVerticalLabel ? `<text x="16" y="${top - 6}">↑ ${escapeXml(chart.y.label)}</text>` : "") +
    (hasLabels
      ? `<text x="${width / 2}" y="${bottom + 10}" text-anchor="middle">${escapeXml(chart.x.label)}</text>`
      : "");
  const height = bottom + (hasLabels ? SHARED_LABEL : 0);
  const definitions = [...pictures.values()]
    .filter(({ id }) => drawn.some((panel) => panel.includes(`"#${id}"`)))
    .map(({ picture, id }) => pictureDefinition(picture, id))
    .join("");
  const content = `${definitions === "" ? "" : `<defs>${definitions}</defs>`}${heading}${drawn.join("")}${labels}`;
  return { svg: standalone(content, { width, height, title, caption }), caption };
}

function captionOf(chart: Chart): string {
  if (!chart.panels.some((panel) => hasBarsOnly(chart, panel))) return chart.caption;
  return `${chart.caption} With so many lines, only the interval of each line's last point is drawn, as a bar. The table contains all intervals.`;
}

function panelSize({ x, panels }: Chart, width: number, labels: number) {
  const most = Math.max(2, Math.floor(width / (x.bare ? PANEL.leastBare : PANEL.least)));
  const rows = Math.ceil(panels.length / most);
  const columns = Math.max(1, Math.ceil(panels.length / rows));
  const tickColumns = nameColumnsFor(x.names ?? [], { width: width / columns - AXIS_ROOM, room: AXIS_ROOM });
  const names = heightOfNames(x.names ?? [], tickColumns);
  const needed = Math.max(PANEL.highest, labelSpacing * labels + 90);
  const titleLines = Math.max(1, ...panels.map(({ title }) => titleOf(title, width / columns).length));
  const height = panels.length > 1 ? Math.min(width / columns + 24, PANEL.highest) : needed;
  return {
    columns,
    width: width / columns,
    height: height + names + (titleLines - 1) * PANEL_TITLE_LINE,
    names,
    tickColumns,
    titleLines,
  };
}

/** The pictures of the images in a chart, with ids that no other drawing of a page has. */
function picturesOf({ id, panels }: Chart, pictureOf: (image: number) => Picture | undefined, width: number) {
  const images = panels.flatMap(({ series }) =>
    series.flatMap(({ points }) => points.flatMap((point) => point.image ?? [])),
  );
  const found = new Map<number, { readonly picture: Picture; readonly id: string }>();
  for (const image of new Set(images)) {
    const picture = pictureOf(image);
    if (picture !== undefined) found.set(image, { picture, id: `${id}-${width}-${image}` });
  }
  return found;
}

function sample({ colour, shape }: SeriesLook, hasLine: boolean): string {
  const line = hasLine ? `<line x1="-5" x2="11" y1="6" y2="6" stroke="${colour}" stroke-width="1.5"/>` : "";
  return `${line}<path d="${markerPath(shape, 3.6, 3, 6)}" fill="${colour}"/>`;
}

/** A sample of a control's line, and of its band. */
function controlSample({ colour, dash = "none", band }: SeriesLook, hasBand: boolean): string {
  return (
    `<rect x="-5" width="16" y="1" height="10" fill="${colour}" fill-opacity="${hasBand ? band : 0}"/>` +
    `<line x1="-5" x2="11" y1="6" y2="6" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dash}"/>`
  );
}

const dashes = `<line x1="-5" x2="11" y1="6" y2="6" stroke="${ink}" stroke-width="0.8" stroke-dasharray="5,3"/>`;

function legendOf(all: readonly { readonly name: string; readonly mark: string }[], width: number) {
  let [x, y] = [21, 0];
  const entries = all.map(({ name, mark }) => {
    const label = shorten(name, 28);
    const room = 32 + 6.4 * columnsOf(label);
    if (x + room > width && x > 21) [x, y] = [21, y + LEGEND_LINE];
    const entry = `<g transform="translate(${x},${y})">${mark}<text x="15" y="10">${escapeXml(label)}</text></g>`;
    x += room;
    return entry;
  });
  return { markup: entries.join(""), height: all.length === 0 ? 0 : y + LEGEND_LINE };
}
