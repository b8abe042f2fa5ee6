import { plural } from "../base/index.ts";
import { bandOf, type Chart, type ChartPanel, type ChartPoint, type ChartSeries } from "../results/index.ts";
import { contrast } from "./contrast.ts";
import { spreadOver } from "./findings.ts";
import { jackknife, mean, unitOf } from "./statistics.ts";

/** The same chart of each draw of one kind of control. */
export interface ControlCharts {
  readonly kind: string;
  /** Whether it is a single network, and no sample of random ones: the network before training. */
  readonly one?: boolean;
  readonly charts: readonly Chart[];
}

/** What the line of the trained network is called. */
const TRAINED = "trained";
/** The most panels of a chart with controls. */
const MOST_PANELS = 12;
/** The most series of one panel that are kept where several panels have ordered ones, such as strengths of noise. */
const MOST_ORDERED = 4;
/** The most taps whose clouds of images are shown. */
const MOST_CLOUDS = 4;

/**
 * A chart of the trained network beside its controls. Each series gets a panel of its own, with one coloured line for the trained
 * network and one grey line and band for each kind of control. A chart without axes, such as a map of images, gets a panel of the
 * trained network and one of a control for each of its panels.
 *
 * Of many series, as many are shown as make 12 panels; the caption says which. Without controls, the chart is returned as it is.
 */
export function chartWithControls(chart: Chart, controls: readonly ControlCharts[]): Chart {
  const drawn = controls.filter(({ charts }) => charts.length > 0);
  if (drawn.length === 0 || chart.panels.every(({ series }) => series.length === 0)) return chart;
  return chart.x.bare ? mapWithControl(chart, drawn.at(-1)!) : linesWithControls(chart, drawn);
}

function linesWithControls({ ordered, ...chart }: Chart, controls: readonly ControlCharts[]): Chart {
  const total = chart.panels.reduce((sum, { series }) => sum + series.length, 0);
  const most = Math.max(...chart.panels.map(({ series }) => series.length));
  // All series of a panel belong together, but those in an order show the same with some of them left out.
  const wanted = ordered && chart.panels.length > 1 ? Math.min(most, MOST_ORDERED) : most;
  const panels = Math.min(chart.panels.length, Math.max(2, Math.floor(MOST_PANELS / wanted)));
  const shown = spreadOver(chart.panels.length, panels).flatMap((p) => {
    const { series } = chart.panels[p]!;
    const count = Math.min(wanted, Math.floor(MOST_PANELS / panels));
    return spreadOver(series.length, count).map((s) => ({ panel: p, series: s }));
  });
  const isAlone = chart.panels.every(({ series }) => series.length === 1);
  const compared = shown.map(({ panel, series }) => {
    const { title, rule, series: all } = chart.panels[panel]!;
    const name = all[series]!.name;
    const found = comparedSeries(chart, panel, all[series]!, controls);
    return {
      title: isAlone ? title : title === "" ? name : `${title}: ${name}`,
      series: found,
      ...(rule === undefined ? {} : { rule }),
    };
  });
  const isAdded = chart.panels.some(({ series }) => series.some(({ points }) => points.some(lacksInterval)));
  const caption = [
    chart.caption,
    isAdded ? `The band of the trained network is the 95 % interval over ${unitIn(chart)}s.` : "",
    saidOf(compared, controls, chart.y.log),
    leftOut(total, compared.length),
  ];
  return { ...chart, caption: caption.filter((sentence) => sentence !== "").join(" "), panels: compared };
}

const leftOut = (total: number, shown: number): string =>
  shown < total ? `Of ${total} lines, ${shown} are shown, from the first to the last.` : "";

/** The trained network's line, and a line for each kind of control that has it. */
function comparedSeries(
  chart: Pick<Chart, "x" | "y">,
  panel: number,
  trained: ChartSeries,
  controls: readonly ControlCharts[],
): ChartSeries[] {
  const { mark } = trained;
  return [
    { name: TRAINED, mark, points: trained.points.map(withInterval) },
    ...controls.flatMap(({ kind, one, charts }): ChartSeries[] => {
      const draws = charts.flatMap(({ panels }) => {
        return panels[panel]?.series.filter(({ name }) => name === trained.name).map(({ points }) => points) ?? [];
      });
      const points = meanPoints(chart, trained.points, draws, one === true);
      return points.length === 0 ? [] : [{ name: kind, control: true, mark, points }];
    }),
  ];
}

/** A point with its interval over images, where it can be taken: a chart of many lines has none. */
function withInterval(point: ChartPoint): ChartPoint {
  if (!lacksInterval(point)) return point;
  const { low, high } = jackknife(point.sample!);
  return { ...point, low, high };
}

const lacksInterval = ({ sample, low }: ChartPoint): boolean => sample !== undefined && low === undefined;

type Points = readonly ChartPoint[];

/** A place on the x axis: what each draw has there, and the trained network. */
interface Place {
  readonly x: number | string;
  readonly drawn: readonly (ChartPoint | undefined)[];
  readonly trained: ChartPoint | undefined;
}

/** The mean over the draws, at each place that at least half of them have. */
function meanPoints({ x, y }: Pick<Chart, "x" | "y">, trained: Points, draws: readonly Points[], one: boolean) {
  return placesOf(x.names, trained, draws).flatMap((place): ChartPoint[] => {
    const known = place.drawn.filter((point) => point !== undefined && Number.isFinite(point.y)) as ChartPoint[];
    if (known.length === 0 || 2 * known.length < draws.length) return [];
    const samples = known.flatMap(({ sample }) => sample ?? []);
    const sample = place.trained?.sample ?? samples[0];
    if (sample === undefined || samples.length < known.length) return [{ x: place.x, ...middleOf(known, y.log) }];
    const { value, low, high } = contrast(sample, samples, { one }).control;
    return Number.isFinite(value) ? [{ x: place.x, y: value, low, high }] : [];
  });
}

/**
 * The places of the draws' points. Numbers that each network has for itself, such as a margin, are matched by their order; their place is
 * the mean over the draws.
 */
function placesOf(names: readonly string[] | undefined, trained: Points, draws: readonly Points[]): Place[] {
  const has = (points: Points, x: number | string) => points.some((point) => point.x === x);
  const [first = [], ...others] = draws;
  const common = first.filter(({ x }) => others.every((points) => has(points, x)));
  if (names === undefined && 2 * common.length < first.length) {
    const longest = Math.max(...draws.map(({ length }) => length));
    return Array.from({ length: longest }, (_, i) => {
      const drawn = draws.map((points) => points[i]);
      return { x: mean(drawn.flatMap((point) => (point ? Number(point.x) : []))), drawn, trained: trained[i] };
    });
  }
  const present = [...new Set(draws.flatMap((points) => points.map(({ x }) => x)))];
  // Of one network, the points stay in their order: it can be that of strengths, and not that of the axis.
  const ordered =
    names?.filter((name) => present.includes(name)) ??
    (others.length === 0 ? present : present.sort((a, b) => Number(a) - Number(b)));
  return ordered.map((x) => {
    const at = (points: Points) => points.find((point) => point.x === x);
    return { x, drawn: draws.map(at), trained: at(trained) };
  });
}

/** The mean of points whose numbers cannot be taken again from images, and of their intervals; on a logarithmic axis the median. */
function middleOf(points: Points, log = false): Pick<ChartPoint, "y" | "low" | "high"> {
  const middle = (numbers: readonly number[]) => (log ? bandOf(numbers).median : mean(numbers));
  const [lows, highs] = [points.map(({ low }) => low), points.map(({ high }) => high)];
  const y = middle(points.map((point) => point.y));
  const isKnown = (ends: readonly (number | undefined)[]): ends is number[] => ends.every(Number.isFinite);
  return isKnown(lows) && isKnown(highs) ? { y, low: middle(lows), high: middle(highs) } : { y };
}

/** What a caption says about the grey lines. */
function saidOf(panels: readonly ChartPanel[], controls: readonly ControlCharts[], log = false): string {
  const points = panels.flatMap(({ series }) => series.flatMap((each) => (each.control ? each.points : [])));
  if (points.length === 0) return "";
  const isOne = controls.every(({ charts }) => charts.length === 1);
  const isSampled = controls.some(({ charts }) => charts.some(hasSamples));
  const middle = log && !isSampled ? "median" : "mean";
  const unit = unitIn(controls[0]!.charts[0]!);
  const interval = `the 95 % interval over ${unit}s${isOne ? "" : " and draws"}`;
  const band = isSampled ? interval : isOne ? "its own band" : `the ${middle} of their bands`;
  const said = [
    ...(isOne ? [] : [`the ${middle} of the draws`]),
    ...(points.some(({ low }) => Number.isFinite(low)) ? [`with ${band}`] : []),
  ];
  return `Grey shows ${nameControls(controls)}${said.length === 0 ? "" : `: ${said.join(", ")}`}.`;
}

const unitIn = ({ panels }: Chart) =>
  unitOf(panels.flatMap(({ series }) => series.flatMap(({ points }) => points)).find(({ sample }) => sample)?.sample);

const hasSamples = ({ panels }: Chart): boolean =>
  panels.some(({ series }) => series.some(({ points }) => points.some(({ sample }) => sample !== undefined)));

/** `the control, a network of the same graph whose weights carry nothing learned (matched, 6 draws)` */
function nameControls(controls: readonly ControlCharts[]): string {
  const kinds = controls.map(({ kind, one, charts }) => (one ? kind : `${kind}, ${plural(charts.length, "draw")}`));
  const what = controls.length === 1 ? "the control, a network" : "the controls, networks";
  return `${what} of the same graph whose weights carry nothing learned (${kinds.join("; ")})`;
}

/** Panels of the trained network, each followed by the panel of a control's first draw. An image has the colour of its group in both. */
function mapWithControl(chart: Chart, { kind, one, charts }: ControlCharts): Chart {
  const places = chart.panels.flatMap((panel) => {
    const drawn = charts[0]!.panels.find(({ title }) => title === panel.title);
    return drawn === undefined ? [] : [{ panel, drawn }];
  });
  const shown = spreadOver(places.length, MOST_CLOUDS);
  const panels = shown.flatMap((p): ChartPanel[] => {
    const { panel, drawn } = places[p]!;
    const all = drawn.series.flatMap(({ points }) => points);
    const series = panel.series.map((group): ChartSeries => {
      const images = new Set(group.points.map(({ image }) => image));
      return { ...group, points: all.filter(({ image }) => image !== undefined && images.has(image)) };
    });
    return [
      { ...panel, title: `${panel.title}, ${TRAINED}` },
      { ...drawn, series, title: `${panel.title}, ${kind}`, control: true },
    ];
  });
  const said = [
    chart.caption,
    `Panels in a grey frame show the control ${kind}, a network of the same graph whose weights carry nothing learned${one ? "" : ` (the first of ${plural(charts.length, "draw")})`}.`,
    ...(shown.length < chart.panels.length
      ? [`Of ${chart.panels.length} panels, ${shown.length} are shown, from the first to the last.`]
      : []),
  ];
  return { ...chart, caption: said.join(" "), panels };
}
