import { dot, line, plot, ruleX, text } from "@observablehq/plot";
import { bandOf, measureSpectrum, resolvedSigma } from "../results/index.ts";
import { nameTicks, sigmaTicks } from "./axis-ticks.ts";
import { ink, kindColours } from "./colours.ts";
import { fontFamily, plotContent, standalone } from "./standalone.ts";
import { columnsOf, shorten } from "./text.ts";
import type { Figure, SvgDocument, TapUnits, UnitNumbers } from "./types.ts";

export interface ByDepthOptions {
  readonly document: SvgDocument;
  /** Pixels; 760 by default. */
  readonly width?: number;
  /** What an entry of the source is measured in, for the label of σ: `one standard deviation of the pixels`. */
  readonly unit?: string;
}

interface Panel {
  readonly label: string;
  readonly log: boolean;
  readonly of: (unit: UnitNumbers) => number;
}

const panels: readonly Panel[] = [
  {
    label: "largest σ₁, units of the tap per unit of the source",
    log: true,
    of: (unit) => resolvedSigma(unit)[0] ?? 0,
  },
  { label: "effective rank, directions", log: false, of: (unit) => measureSpectrum(unit).effectiveRank },
  { label: "participation ratio, directions", log: false, of: (unit) => measureSpectrum(unit).participationRatio },
];

/**
 * σ₁, effective rank and participation ratio against the depth of the tap. Dots show the median over the inputs, and bars
 * reach from the 10 % to the 90 % quantile; one input has no bars. A σ₁ that is zero or below the floor is not drawn, because
 * its axis is logarithmic.
 */
export function byDepthFigure(taps: readonly TapUnits[], { document, width = 760, unit }: ByDepthOptions): Figure {
  const measured = taps.filter(({ units }) => units.length > 0);
  if (measured.length === 0) {
    const caption = "No singular values yet.";
    const frame = { width, height: 48, title: "Spectra by depth", caption };
    return { svg: standalone(`<text x="16" y="28">${caption}</text>`, frame), caption };
  }
  const counts = measured.map(({ units }) => units.length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const many =
    most === 1
      ? "There is one input (n = 1), so there are no bars."
      : `Dots show the median over the inputs (n = ${fewest === most ? most : `${fewest} to ${most}`}), and bars reach from the 10 % to the 90 % quantile.`;
  const caption =
    `The figure shows the largest singular value σ₁ at each tap, and the effective rank and the participation ratio of the computed σ. ${many} ` +
    `${unit === undefined ? "" : `The unit of the source is ${unit}. `}` +
    "Both measures of rank lie between 1 and the number k of computed σ. Where not all σ were computed, they cannot be compared between taps of different k.";
  const names = measured.map(({ tap }) => shorten(tap, 18));
  const labelHeight = 18 + Math.ceil(Math.max(4, ...names.map(columnsOf)) * 4.4);
  const panelHeight = 128;
  const height = panels.length * panelHeight + labelHeight;
  const content = panels.map((panel, row) => {
    const points = measured
      .map(({ units }, depth) => ({ depth, ...bandOf(units.map(({ unit }) => panel.of(unit))) }))
      .filter(({ median }) => !panel.log || median > 0)
      .map((point) => ({ ...point, low: panel.log && point.low === 0 ? point.median : point.low }));
    const bottom = row === panels.length - 1;
    const low = panel.log ? Math.min(...points.map((point) => point.low)) / 1.5 : 0;
    const top = Math.max(panel.log ? low * 10 : 1, ...points.map(({ high }) => high * (panel.log ? 1.5 : 1.06)));
    const drawing = plot({
      document,
      width,
      height: panelHeight + (bottom ? labelHeight : 0),
      className: "pushforward-depth",
      marginLeft: 52,
      marginRight: 16,
      marginTop: 28,
      marginBottom: bottom ? labelHeight + 6 : 6,
      style: { fontFamily, fontSize: "11px", color: ink, background: "white" },
      x: {
        type: "point",
        domain: measured.map((_, depth) => depth),
        ticks: nameTicks([...measured.keys()], width - 68),
        label: null,
        padding: 0.4,
        tickRotate: -40,
        tickFormat: bottom ? (depth: number) => names[depth] as string : () => "",
      },
      y: {
        type: panel.log ? "log" : "linear",
        domain: [low, top],
        label: null,
        grid: true,
        ...(panel.log ? sigmaTicks([low, top]) : { ticks: 4 }),
      },
      marks: [
        text([panel.label], { frameAnchor: "top-left", dx: -44, dy: -18, fontWeight: 600 }),
        ruleX(
          points.filter(({ n }) => n > 1),
          { x: "depth", y1: "low", y2: "high", stroke: kindColours[0], strokeWidth: 2 },
        ),
        line(points, { x: "depth", y: "median", stroke: ink, strokeOpacity: 0.6 }),
        dot(points, { x: "depth", y: "median", r: 3, fill: kindColours[0] }),
      ],
    });
    return `<g transform="translate(0,${row * panelHeight})">${plotContent(drawing)}</g>`;
  });
  return { svg: standalone(content.join(""), { width, height, title: "Spectra by depth", caption }), caption };
}
