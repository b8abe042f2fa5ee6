import { areaY, dot, frame, line, plot, ruleX, ruleY, text } from "@observablehq/plot";
import type { Chart, ChartPanel, ChartPoint, ChartSeries } from "../results/index.ts";
import { NAME_PADDING, nameTicks, sigmaTicks, spacedTicks } from "./axis-ticks.ts";
import { controlColours, ink } from "./colours.ts";
import { curveLabels, roomForLabels } from "./curve-labels.ts";
import { markersAt, thumbnailsAt } from "./marks.ts";
import type { Picture } from "./picture.ts";
import { isControl, type SeriesLook } from "./series-look.ts";
import { fontFamily } from "./standalone.ts";
import { shorten, wrapped } from "./text.ts";
import type { SvgDocument } from "./types.ts";

export interface PanelOptions {
  readonly document: SvgDocument;
  readonly width: number;
  readonly height: number;
  /** The height in pixels of the names of places on the axis, and the number of columns to which they are cut. */
  readonly names: number;
  readonly tickColumns: number;
  /** The number of lines for which a title has room. */
  readonly titleLines: number;
  readonly lookOf: (series: ChartSeries) => SeriesLook;
  /** The number of columns to which the names at the ends of the lines are cut; 0 if a legend names the lines. */
  readonly nameColumns: number;
  /** The picture that shows an image, and the id of that picture in the drawing. */
  readonly thumbnailOf: (image: number) => { readonly picture: Picture; readonly id: string } | undefined;
}

/** The largest number of lines whose intervals are drawn as bands. The bands of more lines would hide each other. */
const MOST_BANDS = 3;
/** The largest number of points that are marked one by one. */
const MOST_MARKED = 40;
/** The largest number of images that are all drawn at their points. Of more, each series shows one. */
const MOST_PICTURES = 16;

/** The width in pixels of the numbers beside the y axis. */
export const AXIS_ROOM = 56;
/** The height in pixels of a line of a panel's title. */
export const PANEL_TITLE_LINE = 13;
/** The most lines of a panel's title. */
const MOST_TITLE_LINES = 3;

/** The title of a panel in lines that are not wider than the panel. */
export function titleOf(title: string, width: number): string[] {
  const columns = Math.floor((width - 24) / 6.9);
  const lines = wrapped(title, columns);
  const shown = [...lines.slice(0, MOST_TITLE_LINES - 1), lines.slice(MOST_TITLE_LINES - 1).join(" ")];
  return shown.filter((line) => line !== "").map((line) => shorten(line, columns));
}

/**
 * Whether the intervals of a panel's lines are bars at their last points instead of bands. Controls do not count: they always have
 * bands.
 */
export function hasBarsOnly({ ordered }: Chart, { series }: ChartPanel): boolean {
  const lines = series.filter((each) => each.mark === "line" && !isControl(each) && each.points.some(hasInterval));
  return ordered !== true && lines.length > MOST_BANDS;
}

/** One panel of a chart. */
export function drawPanel(chart: Chart, panel: ChartPanel, options: PanelOptions) {
  const { x, y, panels } = chart;
  const { title, series, rule } = panel;
  const { document, width, height, names, nameColumns, titleLines } = options;
  const bare = x.bare === true && y.bare === true;
  const isNamed = x.names !== undefined;
  const ownLabel = panels.length > 1 ? null : x.label;
  const shown = panels.flatMap((each) => each.series.flatMap(({ points }) => points));
  const values = shown.flatMap(({ y: at, low, high }) => [at, low ?? at, high ?? at]).filter(Number.isFinite);
  if (rule !== undefined) values.push(rule.y);
  const domain = domainOf(values, y.log === true);
  const lines = series.map((each) => ({
    ...each,
    points: each.points.filter((point) => Number.isFinite(point.y) && (!y.log || point.y > 0)),
  }));
  const [controls, measured] = [true, false].map((wanted) => lines.filter((each) => isControl(each) === wanted));
  const named = nameColumns > 0 ? lines.filter(({ points }) => points.length > 0) : [];
  const labels = named.map(({ name }) => shorten(name, nameColumns));
  const titleRoom = (titleLines - 1) * PANEL_TITLE_LINE;
  const marginLeft = bare ? 8 : AXIS_ROOM;
  const marginRight = bare ? 8 : named.length > 0 ? roomForLabels(labels) : 20;
  return plot({
    document,
    width,
    height,
    className: "pushforward-chart",
    marginLeft,
    marginRight,
    marginTop: title === "" ? 24 : 26 + titleRoom,
    marginBottom: bare ? 8 : isNamed ? names + (ownLabel === null ? 24 : 60) : 42,
    style: { fontFamily, fontSize: "11px", color: ink, background: "white" },
    x: bare
      ? { axis: null, inset: 16, domain: extentOf(shown.map((point) => Number(point.x))) }
      : isNamed
        ? {
            type: "point",
            domain: x.names!,
            label: ownLabel,
            labelArrow: "none",
            padding: NAME_PADDING,
            ticks: nameTicks(x.names!, width - marginLeft - marginRight),
            tickRotate: -40,
            tickFormat: (name: string) => shorten(name, options.tickColumns),
          }
        : {
            type: x.log ? "log" : "linear",
            label: ownLabel,
            labelAnchor: "center",
            labelArrow: "none",
            ...(x.log
              ? logScale(
                  shown.map((point) => Number(point.x)),
                  width - marginLeft - marginRight,
                )
              : width < 300
                ? { ticks: 4 }
                : {}),
            // Markers are drawn by hand, so that the axis does not find their range.
            ...(!x.log && panel.series.every(({ mark }) => mark === "dots")
              ? {
                  domain: domainOf(
                    shown.map((point) => Number(point.x)),
                    false,
                  ),
                }
              : {}),
          },
    y: bare
      ? { axis: null, inset: 16, domain: extentOf(shown.map((point) => point.y)) }
      : {
          type: y.log ? "log" : "linear",
          domain,
          label: null,
          grid: true,
          ...(y.log ? sigmaTicks(domain) : { ticks: 5 }),
        },
    marks: [
      ...(panel.control ? [frame({ stroke: controlColours[1], strokeWidth: 2 })] : []),
      text([title === "" ? y.label : titleOf(title, width).join("\n")], {
        frameAnchor: "top-left",
        dx: bare ? 0 : -40,
        dy: -16 - titleRoom,
        textAnchor: "start",
        fontWeight: title === "" ? 400 : 600,
      }),
      ...(rule === undefined ? [] : [ruleY([rule.y], { stroke: ink, strokeWidth: 0.8, strokeDasharray: "5,3" })]),
      ...controls.flatMap((each) => seriesMarks(chart, panel, each, { aside: 0, domain, options })),
      ...measured.flatMap((each, i) => {
        return seriesMarks(chart, panel, each, { aside: (i - (measured.length - 1) / 2) * 3, domain, options });
      }),
      ...(named.length > 0
        ? [
            curveLabels(
              named.map((each, i) => ({ name: labels[i]!, colour: options.lookOf(each).colour, points: each.points })),
            ),
          ]
        : []),
    ],
  });
}

interface MarkOptions {
  /** The distance in pixels by which a bar is moved, so that the bars of several series do not overlap. */
  readonly aside: number;
  /** The range of the y axis. */
  readonly domain: readonly [number, number];
  readonly options: PanelOptions;
}

/** The marks of one series. */
function seriesMarks(chart: Chart, panel: ChartPanel, series: ChartSeries, { aside, domain, options }: MarkOptions) {
  const { colour, shape, dash, band } = options.lookOf(series);
  const { points } = series;
  // An interval that reaches beyond a logarithmic axis is drawn to its end.
  const spread = points.filter(hasInterval).map((point) => ({
    ...point,
    low: chart.y.log ? Math.max(point.low!, domain[0]) : point.low!,
  }));
  if (series.mark === "dots") {
    const withPicture = picturedOf(panel, series).flatMap((point) => {
      const thumbnail = options.thumbnailOf(point.image!);
      return thumbnail === undefined ? [] : [{ ...point, ...thumbnail }];
    });
    const others = points.filter(({ image }) => !withPicture.some((point) => point.image === image));
    const radius = chart.x.bare ? 3 : 3.2;
    const side = options.width < 200 ? 18 : 21;
    return [
      ...(spread.length === 0
        ? []
        : [ruleX(spread, { x: "x", y1: "low", y2: "high", stroke: colour, strokeWidth: 1.5 })]),
      markersAt(others, { shape, radius, colour }),
      thumbnailsAt(withPicture, { side, colour }),
    ];
  }
  const intervals =
    hasBarsOnly(chart, panel) && !isControl(series)
      ? [ruleX(spread.slice(-1), { x: "x", y1: "low", y2: "high", stroke: colour, strokeWidth: 1.5, dx: aside })]
      : spread.length > 1
        ? [areaY(spread, { x: "x", y1: "low", y2: "high", fill: colour, fillOpacity: band })]
        : [ruleX(spread, { x: "x", y1: "low", y2: "high", stroke: colour })];
  const marks =
    points.length > MOST_MARKED
      ? []
      : chart.ordered || isControl(series)
        ? [dot(points, { x: "x", y: "y", r: 1.8, fill: colour })]
        : [markersAt(points, { shape, radius: radiusFor(points.length, options), colour })];
  const dashed = dash === undefined ? {} : { strokeDasharray: dash };
  return [...intervals, line(points, { x: "x", y: "y", stroke: colour, strokeWidth: 1.5, ...dashed }), ...marks];
}

/** The radius of the markers on a line, so that the line can be seen between them. */
function radiusFor(count: number, { width, nameColumns }: PanelOptions): number {
  const inner = width - AXIS_ROOM - (nameColumns > 0 ? roomForLabels([]) : 20);
  return Math.max(1.8, Math.min(3.2, inner / count / 3.5));
}

const hasInterval = ({ low, high }: ChartPoint): boolean => Number.isFinite(low) && Number.isFinite(high);

/** The points of a series that are drawn as pictures: all of them if the panel has few, otherwise the first. */
function picturedOf(panel: ChartPanel, { points }: ChartSeries): ChartPoint[] {
  const all = panel.series.reduce((sum, each) => sum + each.points.length, 0);
  const ofImages = points.filter(({ image }) => image !== undefined);
  return all <= MOST_PICTURES ? ofImages : ofImages.slice(0, 1);
}

/**
 * The range of an axis: a little more than the range of the values, and at least half a decade on a logarithmic axis.
 */
function domainOf(values: readonly number[], log: boolean): [number, number] {
  const usable = log ? values.filter((value) => value > 0) : values;
  const [low, high] = usable.length === 0 ? [log ? 0.1 : 0, 1] : [Math.min(...usable), Math.max(...usable)];
  if (log) return high / low < 3 ? [low / 1.8, high * 1.8] : [low / 1.2, high * 1.2];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low >= 0 && low < 0.5 * high ? 0 : low - room, high + room];
}

/** The range of a logarithmic x axis, which all panels share, and its ticks over so many pixels. */
function logScale(values: readonly number[], width: number) {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return {};
  const domain: [number, number] = [Math.min(...positive), Math.max(...positive)];
  return { domain, ...spacedTicks(domain, width) };
}

/**
 * A range around zero that contains all values. All panels share it, so that their clouds of points can be compared.
 */
function extentOf(values: readonly number[]): [number, number] {
  const most = Math.max(1e-9, ...values.map(Math.abs));
  return [-most, most];
}
