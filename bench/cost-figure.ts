import { barY, dot, line, plot, text } from "@observablehq/plot";
import { ink } from "../src/figures/colours.ts";
import { fontFamily, plotContent, standalone } from "../src/figures/standalone.ts";
import type { SvgDocument } from "../src/figures/types.ts";
import type { Cost } from "./cost.ts";

const WIDTH = 380;
const HEIGHT = 230;
const titles = { k: "k", tap: "tap, in order of depth", side: "side of the picture, pixels", threads: "threads" };

/** Seconds of solves, one panel for each thing that was varied. */
export function costFigure(
  measured: readonly { readonly name: keyof typeof titles; readonly costs: readonly Cost[] }[],
  document: SvgDocument,
): string {
  const content = measured.map(({ name, costs }, panel) => {
    const isNumber = name === "k" || name === "side";
    const points = costs.map((cost) => ({ at: cost[name], seconds: cost.seconds }));
    const label = { x: "at", y: "seconds", text: ({ seconds }: { seconds: number }) => seconds.toPrecision(2), dy: -9 };
    const top = Math.max(...points.map(({ seconds }) => seconds));
    const least = Math.min(...points.map(({ seconds }) => seconds));
    const drawing = plot({
      document,
      width: WIDTH,
      height: HEIGHT,
      className: "pushforward-cost",
      marginLeft: 44,
      marginTop: 34,
      marginBottom: 40,
      style: { fontFamily, fontSize: "11px", color: ink, background: "white" },
      x: isNumber
        ? {
            type: "log",
            label: titles[name],
            ticks: points.map(({ at }) => Number(at)),
            tickFormat: String,
            inset: 16,
            labelAnchor: "center",
            labelArrow: "none",
          }
        : {
            type: "band",
            domain: points.map(({ at }) => at),
            label: titles[name],
            padding: 0.4,
            tickFormat: (at) => String(at).split(".")[0]!,
          },
      y: isNumber
        ? {
            type: "log",
            label: null,
            grid: true,
            domain: [least / 1.5, top * 1.5],
            ticks: [1, 2, 5, 10, 20, 50, 100, 200].filter((tick) => tick > least / 1.5 && tick < top * 1.5),
            tickFormat: String,
          }
        : { label: null, grid: true, domain: [0, top * 1.15], ticks: 4 },
      marks: [
        text(["seconds"], { frameAnchor: "top-left", dx: -30, dy: -22, textAnchor: "start" }),
        ...(isNumber
          ? [
              line(points, { x: "at", y: "seconds", stroke: "#1f5fa8" }),
              dot(points, { x: "at", y: "seconds", fill: "#1f5fa8", r: 3 }),
            ]
          : [barY(points, { x: "at", y: "seconds", fill: "#1f5fa8" })]),
        text(points, label),
      ],
    });
    const place = `translate(${(panel % 2) * WIDTH},${Math.floor(panel / 2) * HEIGHT})`;
    return `<g transform="${place}">${plotContent(drawing)}</g>`;
  });
  const frame = {
    width: 2 * WIDTH,
    height: Math.ceil(measured.length / 2) * HEIGHT,
    title: "Seconds of a certified solve",
    caption: "Seconds of a certified solve against k, the depth of the tap, the size of the picture, and threads.",
  };
  return standalone(content.join(""), frame);
}
