import { dot, line, plot, ruleX, text } from "@observablehq/plot";
import { sigmaTicks } from "./axis-ticks.ts";
import { fontFamily, ink, plotContent, standalone } from "./standalone.ts";
import type { Moments } from "./statistics.ts";
import { summarizeTap, type TapSummary } from "./summary.ts";
import { columnsOf, shorten } from "./text.ts";
import type { Figure, SvgDocument, TapUnits } from "./types.ts";

export interface ByDepthOptions {
  readonly document: SvgDocument;
  /** Pixels; 760 by default. */
  readonly width?: number;
}

const panels: readonly { label: string; log: boolean; of: (summary: TapSummary) => Moments }[] = [
  { label: "largest σ", log: true, of: (summary) => summary.sigmaFirst },
  { label: "effective rank", log: false, of: (summary) => summary.effectiveRank },
  { label: "participation ratio", log: false, of: (summary) => summary.participationRatio },
];

/**
 * σ₁, effective rank and participation ratio against the depth of the tap: mean over the inputs, bars of ± 1 sample
 * standard deviation (none for one input; clipped where they would leave a logarithmic axis).
 */
export function byDepthFigure(taps: readonly TapUnits[], { document, width = 760 }: ByDepthOptions): Figure {
  const summaries = taps.filter(({ units }) => units.length > 0).map(summarizeTap);
  const caption =
    "Largest σ, effective rank and participation ratio of the computed σ by depth: mean over the inputs, bars ± 1 sample " +
    "standard deviation (no bar where n = 1). Both ranks lie between 1 and the k computed, so taps of different k do not " +
    "compare where the spectrum is not whole.";
  const names = summaries.map(({ tap }) => shorten(tap, 18));
  const labelHeight = 18 + Math.ceil(Math.max(4, ...names.map(columnsOf)) * 4.4);
  const panelHeight = 128;
  const height = panels.length * panelHeight + labelHeight;
  const content = panels.map((panel, row) => {
    const points = summaries
      .map((summary, depth) => ({ depth, ...panel.of(summary) }))
      .filter(({ mean }) => !panel.log || mean > 0);
    const bottom = row === panels.length - 1;
    const low = panel.log ? Math.min(...points.map(({ mean }) => mean)) / 2 : 0;
    const top = Math.max(panel.log ? low * 10 : 1, ...points.map(({ mean, std }) => (mean + (std || 0)) * 1.06));
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
        domain: summaries.map((_, depth) => depth),
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
        text([panel.label], { frameAnchor: "top-left", dy: -18, fontWeight: 600 }),
        ruleX(
          points.filter(({ std }) => std > 0),
          {
            x: "depth",
            y1: ({ mean, std }: Moments) => Math.max(low, mean - std),
            y2: ({ mean, std }: Moments) => mean + std,
            strokeWidth: 1.5,
          },
        ),
        line(points, { x: "depth", y: "mean", stroke: ink, strokeOpacity: 0.5 }),
        dot(points, { x: "depth", y: "mean", r: 3, fill: "#1f5fa8" }),
      ],
    });
    return `<g transform="translate(0,${row * panelHeight})">${plotContent(drawing)}</g>`;
  });
  const empty = `<text x="16" y="28">No singular values yet.</text>`;
  const frame = { width, height, title: "Spectra by depth", caption };
  return { svg: standalone(summaries.length === 0 ? empty : content.join(""), frame), caption };
}
