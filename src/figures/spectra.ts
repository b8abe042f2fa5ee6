import { areaY, dot, line, plot, rect, ruleX, ruleY, text } from "@observablehq/plot";
import { formatCount, plural } from "../base/index.ts";
import { knownBands } from "../results/index.ts";
import { indexTicks, sigmaTicks } from "./axis-ticks.ts";
import { depthColours, ink } from "./colours.ts";
import { curveLabels, labelSpacing, roomForLabels } from "./curve-labels.ts";
import { type CurvePoint, floorOf, type SpectrumCurve, sigmaDomain, spectrumCurve } from "./spectrum-curves.ts";
import { fontFamily, NARROW, plotContent, standalone } from "./standalone.ts";
import { shorten } from "./text.ts";
import type { Figure, SvgDocument, TapUnits } from "./types.ts";

export interface SpectraOptions {
  readonly document: SvgDocument;
  /** The name of the source tap, for the title; `input` by default. */
  readonly from?: string;
  /** Pixels; 760 by default, 380 for a phone. The height grows with the number of taps. */
  readonly width?: number;
  /** `linear` by default; `log` gives the first indices more room. */
  readonly indexScale?: "linear" | "log";
  /** `log` by default; `linear` begins at 0. */
  readonly sigmaScale?: "linear" | "log";
}

/** The spectra, and where a σ of some index lies in the drawing, as shares of its width and height; undefined if it lies outside of the axes. */
export interface SpectraFigure extends Figure {
  readonly place: (index: number, sigma: number) => { readonly x: number; readonly y: number } | undefined;
}

/**
 * The singular values of J(from → tap) against their index, with one colour for each tap: the paper's figure 3.
 *
 * A line shows the median over the inputs and ends where the median falls below the floor. A band reaches from the 10 % to the
 * 90 % quantile, as far as both are above the floor; for one input there is no band. A cross marks a triplet that did not
 * converge. The grey region lies below the floor of all spectra. If there is no σ at all, the frame is empty and says so.
 *
 * @see Mototake & Ikegami 2015, figure 3
 */
export function spectraFigure(taps: readonly TapUnits[], options: SpectraOptions): SpectraFigure {
  const { document, from = "input", width = 760, indexScale = "linear", sigmaScale = "log" } = options;
  const curves = taps.map(spectrumCurve).filter((curve) => curve.points.length > 0);
  const title = `Singular values of J(${from} → tap)`;
  const domain = domainOf(curves, sigmaScale);
  const floor = floorOf(curves);
  const caption = captionOf(curves, domain, floor);
  const narrow = width < NARROW;
  const names = curves.map((curve) => shorten(curve.tap, narrow ? 12 : 22));
  const height = Math.max(narrow ? 340 : 420, curves.length * labelSpacing + 96);
  const frame = { width, height, title, caption };
  if (domain === undefined) {
    return {
      svg: standalone(
        `<text x="16" y="28">${curves.length === 0 ? "No singular values yet." : "No singular value is above the floor."}</text>`,
        frame,
      ),
      caption,
      place: () => undefined,
    };
  }
  const [low, high] = domain;
  const colours = depthColours(curves.length);
  const shown = curves.map(({ points }) => knownBands(points));
  const last = Math.max(2, ...shown.map((points) => points.length));
  const atEnd = names.filter((_, i) => shown[i]!.length > 0.85 * last);
  const drawing = plot({
    document,
    width,
    height,
    className: "pushforward-spectra",
    marginTop: 50,
    marginLeft: 48,
    marginRight: roomForLabels(atEnd),
    marginBottom: 42,
    style: { fontFamily, fontSize: "11px", color: ink, background: "white" },
    x: {
      type: indexScale,
      domain: [1, last],
      label: "index k",
      labelAnchor: "center",
      labelArrow: "none",
      ...indexTicks(last, indexScale, narrow),
    },
    y: { type: sigmaScale, domain, label: null, grid: true, ...(sigmaScale === "log" ? sigmaTicks(domain) : {}) },
    marks: [
      ...(floor > low ? [rect([floor], { y1: low, y2: Math.min(floor, high), fill: "#e4e6e9" })] : []),
      text([title], { frameAnchor: "top-left", dy: -44, fontSize: 13, fontWeight: 600 }),
      text([subtitleOf(curves, narrow)], { frameAnchor: "top-left", dy: -26 }),
      text(["σ"], { frameAnchor: "top-left", dx: -44, dy: -12, fontWeight: 600 }),
      ...(low <= 1 && high >= 1 ? [ruleY([1], { stroke: ink, strokeWidth: 0.8, strokeDasharray: "5,3" })] : []),
      ...shown.flatMap((points, i) => band(points, colours[i]!)),
      ...shown.flatMap((points, i) => curveMarks(points, colours[i]!)),
      ...curves.map((curve, i) => intoFloor(curve, low, colours[i]!)),
      curveLabels(
        shown.flatMap((points, i) => {
          if (points.length === 0) return [];
          const line = points.map(({ index, median }) => ({ x: index, y: median }));
          return [{ name: names[i]!, colour: colours[i]!, points: line }];
        }),
      ),
    ],
  });
  const [across, down] = [drawing.scale("x")!, drawing.scale("y")!];
  const place = (index: number, sigma: number) =>
    index <= last && sigma >= low && sigma <= high
      ? { x: (across.apply(index) as number) / width, y: (down.apply(sigma) as number) / height }
      : undefined;
  return { svg: standalone(plotContent(drawing), frame), caption, place };
}

function domainOf(curves: readonly SpectrumCurve[], scale: "linear" | "log"): [number, number] | undefined {
  const domain = sigmaDomain(curves);
  return domain === undefined || scale === "log" ? domain : [0, domain[1]];
}

/** A dotted line down to the axis at the end of a curve whose next σ lie below the floor. */
function intoFloor(curve: SpectrumCurve, low: number, colour: string) {
  const end = knownBands(curve.points).at(-1);
  const ends = end !== undefined && end.index < curve.points.length ? [end] : [];
  return ruleX(ends, { x: "index", y1: low, y2: "median", stroke: colour, strokeWidth: 1.2, strokeDasharray: "2,2" });
}

function band(points: readonly CurvePoint[], colour: string) {
  const end = points.findIndex(({ n, low }) => n < 2 || low === 0);
  const known = end < 0 ? points : points.slice(0, end);
  return known.length === 0
    ? []
    : [areaY(known, { x: "index", y1: "low", y2: "high", fill: colour, fillOpacity: 0.18 })];
}

function curveMarks(points: readonly CurvePoint[], colour: string) {
  const few = points.length <= 12 ? [dot(points, { x: "index", y: "median", r: 2, fill: colour })] : [];
  return [
    line(points, { x: "index", y: "median", stroke: colour, strokeWidth: 1.5 }),
    ...few,
    dot(
      points.filter((point) => point.atFloor > 0),
      { x: "index", y: "median", r: 2.5, stroke: colour, fill: "white" },
    ),
    dot(
      points.filter((point) => point.unconverged > 0),
      { x: "index", y: "median", r: 3, symbol: "times", stroke: colour, strokeWidth: 1.5 },
    ),
  ];
}

/** The smallest and the largest number of inputs over which a median is taken. */
function inputsOf(curves: readonly SpectrumCurve[]): { fewest: number; most: number } {
  const counts = curves.map((curve) => curve.inputs);
  return { fewest: Math.min(...counts), most: Math.max(...counts) };
}

function subtitleOf(curves: readonly SpectrumCurve[], narrow: boolean): string {
  const { fewest, most } = inputsOf(curves);
  if (most === 1) return "one input (n = 1), no band";
  const n = fewest === most ? `n = ${most}` : `n = ${fewest} to ${most}`;
  return narrow
    ? `median, 10 to 90 % of the inputs, ${n}`
    : `line: median over the inputs (${n}); band: from the 10 % to the 90 % quantile`;
}

function captionOf(
  curves: readonly SpectrumCurve[],
  domain: readonly [number, number] | undefined,
  floor: number,
): string {
  if (curves.length === 0) return "No singular values yet.";
  const { fewest, most } = inputsOf(curves);
  const shown = curves.flatMap(({ points }) => knownBands(points));
  const sum = (count: (point: CurvePoint) => number) => shown.reduce((total, point) => total + count(point), 0);
  const unresolved = curves.reduce((total, curve) => total + curve.unresolved, 0);
  const total = curves.reduce((count, curve) => count + curve.total, 0);
  const said = [
    "Singular values σ of the Jacobian from the source to each tap, against their index k (1 is the largest).",
    `The colours follow the order of depth: ${curves.map((curve) => curve.tap).join(", ")}.`,
  ];
  if (most === 1) said.push("There is one input (n = 1), so there is no band.");
  else {
    said.push(
      `Lines show the median over the inputs (n = ${fewest === most ? most : `${fewest} to ${most}; the run is not finished`}).`,
      "Bands reach from the 10 % to the 90 % quantile, interpolated between inputs. A band ends where the lower quantile is below " +
        "the floor.",
    );
    if (fewest === 1) said.push("A tap with n = 1 has no band.");
  }
  if (domain !== undefined) {
    const isOnAxis = domain[0] <= 1 && domain[1] >= 1;
    said.push(isOnAxis ? "The dashed line marks σ = 1." : "The value σ = 1 lies outside the axis.");
    said.push("The network makes a small perturbation along v longer if σ > 1, and shorter if σ < 1.");
  }
  if (unresolved > 0) {
    said.push(
      `${formatCount(unresolved)} of ${formatCount(total)} σ are zero or lie below the floor, where a σ cannot be told from rounding ` +
        "error. A curve ends where its median falls below the floor, and a dotted line marks this end.",
    );
  }
  if (domain !== undefined && floor > domain[0]) said.push("The grey region lies below the floor of all spectra.");
  const unconverged = sum((point) => point.unconverged);
  const atFloor = sum((point) => point.atFloor);
  if (unconverged > 0) said.push(`A cross marks where a triplet did not converge (${plural(unconverged, "triplet")}).`);
  if (atFloor > 0) {
    said.push(
      `A circle marks a triplet whose residual reached only the floor, which is above the tolerance (${plural(atFloor, "triplet")}).`,
    );
  }
  if (unconverged + atFloor === 0) said.push("All triplets that are shown converged.");
  return said.join(" ");
}
