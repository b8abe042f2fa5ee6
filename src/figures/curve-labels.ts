import type { RenderFunction } from "@observablehq/plot";
import { legible } from "./colours.ts";
import { type Point, placeLabels, sampled } from "./label-places.ts";
import { elementsOf } from "./svg-element.ts";
import { columnsOf } from "./text.ts";
import type { Box } from "./types.ts";

/** A curve and the name that is written at its end. */
export interface NamedCurve {
  readonly name: string;
  readonly colour: string;
  /** In data coordinates; at least one point. */
  readonly points: readonly { readonly x: number | string; readonly y: number }[];
}

export const labelSpacing = 13;
/** The width in pixels of one letter of a curve's name, which is set bold in 11 pixels. */
const letterWidth = 7;
/** The distance in pixels from the frame to the names beside it. */
const leader = 22;

/** The width in pixels that the names of these curves need to the right of the frame. */
export const roomForLabels = (names: readonly string[]): number =>
  leader + 12 + letterWidth * Math.max(4, ...names.map(columnsOf));

/**
 * A mark that names curves at their ends. Curves that reach the right end of the frame are named in a column beside it. The
 * others are named within the frame, at places where no name covers another name and names cover few curves. A thin line leads
 * from the end of a curve to its name.
 */
export function curveLabels(curves: readonly NamedCurve[]): RenderFunction {
  return (_index, scales, _values, dimensions, { document }) => {
    const create = elementsOf(document);
    const group = create("g", { "aria-label": "curve labels", "font-weight": 600, "text-anchor": "start" });
    const right = dimensions.width - dimensions.marginRight;
    const top = dimensions.marginTop + 4;
    const bottom = dimensions.height - dimensions.marginBottom - 2;
    const drawn = curves.map(({ name, colour, points }) => {
      const line = points.map(({ x, y }): Point => [Number(scales.x?.(x)), Number(scales.y?.(y))]);
      return { name, colour, line, end: line.at(-1)! };
    });
    const reaching = drawn.filter(({ name, end: [x] }) => x + 12 + letterWidth * columnsOf(name) > right);
    // Names of curves that end at one place stand together, also if the shorter ones had room within the frame.
    const from = Math.min(...reaching.map(({ end }) => end[0]));
    const beside = drawn.filter(({ end }) => end[0] >= from);
    const inside = drawn.filter((curve) => !beside.includes(curve));
    const rows = dodge(
      beside.map(({ end }) => end[1]),
      labelSpacing,
      top,
      bottom,
    );
    const frame: Box = {
      x: dimensions.marginLeft,
      y: top - 6,
      width: right - dimensions.marginLeft,
      height: bottom - top + 8,
    };
    const places = placeLabels(
      inside.map(({ name, end }) => ({ end, width: letterWidth * columnsOf(name), height: labelSpacing })),
      drawn.flatMap(({ line }) => sampled(line, 4)),
      frame,
    );
    const lines = group.appendChild(create("g", { fill: "none", "stroke-opacity": 0.7 }));
    const write = (name: string, colour: string, [x, y]: Point, path: string) => {
      lines.appendChild(create("path", { d: path, stroke: colour }));
      const halo = { stroke: "#fff", "stroke-width": 3, "paint-order": "stroke" };
      const text = create("text", { x: rounded(x), y: rounded(y), dy: "0.32em", fill: legible(colour), ...halo });
      text.textContent = name;
      group.appendChild(text);
    };
    beside.forEach(({ name, colour, end: [x, y] }, i) => {
      const at = right + leader + 4;
      const row = rows[i]!;
      write(
        name,
        colour,
        [at, row],
        pathOf([
          [x + 3, y],
          [right + 5, y],
          [at - 8, row],
          [at - 3, row],
        ]),
      );
    });
    inside.forEach(({ name, colour, end }, i) => {
      const { x, y, width } = places[i]!;
      const middle = y + labelSpacing / 2;
      write(name, colour, [x, middle], pathOf([end, [end[0] < x ? x - 2 : x + width + 2, middle]]));
    });
    return group;
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

const pathOf = (points: readonly Point[]): string =>
  `M${points.map((point) => point.map(rounded).join(",")).join("L")}`;

/**
 * Positions near the wanted ones, in the same order and at least `spacing` apart. One simple pass finds them; they need
 * not be the nearest.
 */
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
