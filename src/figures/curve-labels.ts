import type { RenderFunction } from "@observablehq/plot";
import { columnsOf } from "./text.ts";

/** A name to be written at the end of a curve. */
export interface CurveLabel {
  readonly text: string;
  readonly colour: string;
  /** The curve's last point, in data coordinates. */
  readonly x: number;
  readonly y: number;
}

export const labelSpacing = 13;
/** Of the bold letters that curves are named in, at 11 pixels. */
export const letterWidth = 6.8;
const leader = 22;

/**
 * A mark that names curves at their ends: in a column right of the frame, pushed apart, with a thin line from the curve;
 * a curve that ends well before the frame carries its name inside, on a white halo.
 */
export function curveLabels(labels: readonly CurveLabel[]): RenderFunction {
  return (_index, scales, _values, dimensions, { document }) => {
    const create = (tag: string, attributes: Readonly<Record<string, string | number>>) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
      return node;
    };
    const group = create("g", { "aria-label": "curve labels", "font-weight": 600, "text-anchor": "start" });
    const right = dimensions.width - dimensions.marginRight;
    const low = dimensions.marginTop + 4;
    const high = dimensions.height - dimensions.marginBottom - 2;
    const ends = labels.map((label) => ({
      ...label,
      px: Number(scales.x?.(label.x)),
      py: Number(scales.y?.(label.y)),
    }));
    const endsInside = (end: { px: number; text: string }) =>
      end.px + leader + letterWidth * columnsOf(end.text) < right - 10;
    const lines = group.appendChild(create("g", { fill: "none", "stroke-opacity": 0.7 }));
    for (const inside of [true, false]) {
      const column = ends.filter((end) => endsInside(end) === inside);
      const wanted = column.map((end) => end.py);
      const rows = dodge(wanted, labelSpacing, low, high);
      column.forEach((end, i) => {
        const y = rows[i] as number;
        const x = inside ? end.px + leader : right + leader + 4;
        const bend = inside ? end.px : right;
        const d = `M${end.px + 3},${end.py}L${bend + 5},${end.py}L${x - 8},${y}L${x - 3},${y}`;
        lines.appendChild(create("path", { d, stroke: end.colour }));
        const halo = { stroke: "#fff", "stroke-width": inside ? 3 : 0, "paint-order": "stroke" };
        const text = create("text", { x, y, dy: "0.32em", fill: end.colour, ...halo });
        text.textContent = end.text;
        group.appendChild(text);
      });
    }
    return group;
  };
}

/** Positions at least `spacing` apart and in the order of the wanted ones, as near to them as a simple pass comes. */
export function dodge(wanted: readonly number[], spacing: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] as number) - (wanted[b] as number));
  const placed = new Array<number>(wanted.length);
  let edge = low;
  for (const i of order) {
    placed[i] = Math.max(wanted[i] as number, edge);
    edge = (placed[i] as number) + spacing;
  }
  edge = high;
  for (const i of order.reverse()) {
    placed[i] = Math.max(low, Math.min(placed[i] as number, edge));
    edge = (placed[i] as number) - spacing;
  }
  return placed;
}
