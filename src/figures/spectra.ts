import { areaY, dot, line, plot, ruleY, text } from "@observablehq/plot";
import { indexTicks, sigmaTicks } from "./axis-ticks.ts";
import { depthColours } from "./colours.ts";
import { curveLabels, labelSpacing, letterWidth } from "./curve-labels.ts";
import { type CurvePoint, type SpectrumCurve, sigmaDomain, spectrumCurve } from "./spectrum-curves.ts";
import { fontFamily, ink, plotContent, standalone } from "./standalone.ts";
import { columnsOf, formatCount, formatNumber, plural, shorten } from "./text.ts";
import type { Figure, SvgDocument, TapUnits } from "./types.ts";

export interface SpectraOptions {
  readonly document: SvgDocument;
  /** The source tap, for the title; `input` by default. */
  readonly from?: string;
  /** Pixels; 760 by default, 380 for a phone. The height grows with the number of taps. */
  readonly width?: number;
  /** `linear` by default; `log` spreads the first indices. */
  readonly indexScale?: "linear" | "log";
}

/**
 * The singular values of J(from → tap) against their index, one colour a tap: the paper's figure 3.
 *
 * Line: mean over the inputs (zeros count). Band: ± 1 sample standard deviation, its lower edge clipped at the axis; none
 * for one input. Means of zero and below float32 rounding have no place on the logarithmic axis: the caption counts them.
 * Triplets that did not converge are crossed. With no σ at all it is an empty frame that says so.
 *
 * @see Mototake & Ikegami 2015, figure 3
 */
export function spectraFigure(taps: readonly TapUnits[], options: SpectraOptions): Figure {
  const { document, from = "input", width = 760, indexScale = "linear" } = options;
  const curves = taps.map(spectrumCurve).filter((curve) => curve.points.length > 0);
  const title = `Singular values of J(${from} → tap)`;
  const domain = sigmaDomain(curves);
  const caption = captionOf(curves, domain);
  const narrow = width < 560;
  const names = curves.map((curve) => shorten(curve.tap, narrow ? 12 : 22));
  const longest = Math.max(4, ...names.map(columnsOf));
  const height = Math.max(narrow ? 340 : 420, curves.length * labelSpacing + 96);
  const frame = { width, height, title, caption };
  if (domain === undefined) {
    return {
      svg: standalone(
        `<text x="16" y="28">${curves.length === 0 ? "No" : "Only zero"} singular values yet.</text>`,
        frame,
      ),
      caption,
    };
  }
  const [low, high] = domain;
  const colours = depthColours(curves.length);
  const shown = curves.map((curve) => curve.points.filter((point) => point.mean >= low));
  const last = Math.max(2, ...curves.map((curve) => curve.points.length));
  const drawing = plot({
    document,
    width,
    height,
    className: "pushforward-spectra",
    marginTop: 50,
    marginLeft: 48,
    marginRight: 34 + letterWidth * longest,
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
    y: { type: "log", domain, label: null, grid: true, ...sigmaTicks(domain) },
    marks: [
      text([title], { frameAnchor: "top-left", dy: -44, fontSize: 13, fontWeight: 600 }),
      text([subtitleOf(curves, narrow)], { frameAnchor: "top-left", dy: -26 }),
      text(["σ"], { frameAnchor: "top-left", dx: -16, dy: -14, fontWeight: 600 }),
      ...(low <= 1 && high >= 1 ? [ruleY([1], { stroke: ink, strokeWidth: 0.8, strokeDasharray: "5,3" })] : []),
      ...shown.flatMap((points, i) => band(points, colours[i] as string, low)),
      ...shown.flatMap((points, i) => curveMarks(points, colours[i] as string)),
      curveLabels(
        shown.flatMap((points, i) => {
          const end = points.at(-1);
          if (end === undefined) return [];
          return [{ text: names[i] as string, colour: colours[i] as string, x: end.index, y: end.mean }];
        }),
      ),
    ],
  });
  return { svg: standalone(plotContent(drawing), frame), caption };
}

function band(points: readonly CurvePoint[], colour: string, low: number) {
  const wide = points.filter((point) => !Number.isNaN(point.std));
  if (wide.length === 0) return [];
  return [
    areaY(wide, {
      x: "index",
      y1: ({ mean, std }: CurvePoint) => Math.max(low, mean - std),
      y2: ({ mean, std }: CurvePoint) => mean + std,
      fill: colour,
      fillOpacity: 0.16,
    }),
  ];
}

function curveMarks(points: readonly CurvePoint[], colour: string) {
  const few = points.length <= 12 ? [dot(points, { x: "index", y: "mean", r: 2, fill: colour })] : [];
  return [
    line(points, { x: "index", y: "mean", stroke: colour, strokeWidth: 1.5 }),
    ...few,
    dot(
      points.filter((point) => point.atFloor > 0),
      { x: "index", y: "mean", r: 2.5, stroke: colour, fill: "white" },
    ),
    dot(
      points.filter((point) => point.unconverged > 0),
      { x: "index", y: "mean", r: 3, symbol: "times", stroke: colour, strokeWidth: 1.5 },
    ),
  ];
}

/** `16 inputs`, `2 to 16 inputs`: how many stand behind the means. */
function inputsOf(curves: readonly SpectrumCurve[]): { fewest: number; most: number } {
  const counts = curves.map((curve) => curve.inputs);
  return { fewest: Math.min(...counts), most: Math.max(...counts) };
}

function subtitleOf(curves: readonly SpectrumCurve[], narrow: boolean): string {
  const { fewest, most } = inputsOf(curves);
  if (most === 1) return "one input (n = 1), no band";
  const n = fewest === most ? `n = ${most}` : `n = ${fewest} to ${most}`;
  return narrow ? `mean ± 1 SD over inputs, ${n}` : `line: mean over the inputs (${n}); band: ± 1 standard deviation`;
}

function captionOf(curves: readonly SpectrumCurve[], domain: readonly [number, number] | undefined): string {
  if (curves.length === 0) return "No singular values yet.";
  const { fewest, most } = inputsOf(curves);
  const points = curves.flatMap((curve) => curve.points);
  const sum = (count: (point: CurvePoint) => number) => points.reduce((total, point) => total + count(point), 0);
  const zeros = curves.reduce((total, curve) => total + curve.zeros, 0);
  const total = curves.reduce((count, curve) => count + curve.total, 0);
  const low = domain?.[0] ?? 0;
  const said = [
    "Singular values σ of the Jacobian from the source to each tap, against their index (1 is the largest).",
  ];
  said.push(`Colour goes with depth: ${curves.map((curve) => curve.tap).join(", ")}.`);
  if (most === 1) said.push("One input (n = 1), so there is no band.");
  else {
    said.push(
      `Lines: mean over the inputs (n = ${fewest === most ? most : `${fewest} to ${most}, as the run goes`}).`,
      "Bands: ± 1 sample standard deviation; a lower edge below the axis is clipped there.",
    );
    if (fewest === 1) said.push("A tap with n = 1 has no band.");
  }
  if (domain !== undefined) {
    const rule = "σ = 1, where a perturbation keeps its length: above it grows, below it fades.";
    if (low <= 1 && domain[1] >= 1) said.push(`Dashed line: ${rule}`);
    else said.push(`Outside the axis: ${rule}`);
  }
  if (zeros > 0)
    said.push(
      `${formatCount(zeros)} of ${formatCount(total)} σ are exactly zero (behind dead units); they count in the means.`,
    );
  const zeroMeans = points.filter(({ mean }) => mean === 0).length;
  const tinyMeans = points.filter(({ mean }) => mean > 0 && mean < low).length;
  if (zeroMeans > 0) said.push(`${plural(zeroMeans, "mean")} of zero cannot stand on the logarithmic axis.`);
  if (tinyMeans > 0) {
    said.push(`${plural(tinyMeans, "mean")} below ${formatNumber(low, 2)}, the rounding of float32, not shown.`);
  }
  const unconverged = sum((point) => point.unconverged);
  const atFloor = sum((point) => point.atFloor);
  if (unconverged > 0) said.push(`Crosses: ${plural(unconverged, "triplet")} did not converge.`);
  if (atFloor > 0) said.push(`Circles: ${plural(atFloor, "triplet")} stopped at the rounding floor of the backend.`);
  if (unconverged + atFloor === 0) said.push("All triplets converged.");
  return said.join(" ");
}
