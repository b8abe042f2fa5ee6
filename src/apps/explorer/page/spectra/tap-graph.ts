import { Graph, layout } from "@dagrejs/dagre";
import type { TapFacts } from "../subject.ts";

/** The size of a tap in the graph, and what lies between taps, in rem. */
const tapSize = { width: 10.7, height: 3.3 } as const;
const gaps = { nodesep: 0.5, edgesep: 0.8, ranksep: 0.9, marginx: 0.3, marginy: 0.3 } as const;

/** A line from a tap to one that is computed from it. */
interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  /** The `d` of an SVG path. */
  readonly path: string;
}

/** Where the taps of a network lie if each is drawn below those that it is computed from. Lengths are in rem. */
export interface TapGraph {
  readonly width: number;
  readonly height: number;
  readonly tapSize: { readonly width: number; readonly height: number };
  /** The upper left corner of each tap, by its name. */
  readonly corners: ReadonlyMap<string, { readonly left: number; readonly top: number }>;
  readonly edges: readonly DrawnEdge[];
}

/**
 * The taps of a network in layers, with few crossings of the lines between them.
 *
 * @see Gansner, Koutsofios, North & Vo 1993, "A technique for drawing directed graphs"
 */
export function tapGraph(taps: readonly TapFacts[]): TapGraph {
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", ...gaps });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name } of taps) graph.setNode(name, { ...tapSize });
  // Of several branches, the first is drawn leftmost if its line comes last.
  for (const { name, next = [] } of taps) for (const to of [...next].reverse()) graph.setEdge(name, to);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  const place = (name: string) => graph.node(name) as Point;
  return {
    width,
    height,
    tapSize,
    corners: new Map(
      taps.map(({ name }) => {
        const { x, y } = place(name);
        return [name, { left: x - tapSize.width / 2, top: y - tapSize.height / 2 }];
      }),
    ),
    edges: graph.edges().map((edge: { readonly v: string; readonly w: string }) => {
      const { points } = graph.edge(edge) as { readonly points: readonly Point[] };
      return { from: edge.v, to: edge.w, path: pathAlong(points.slice(1, -1), place(edge.v), place(edge.w)) };
    }),
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** From the lower side of a tap through points to the upper side of another: vertical at each point, so that lines run straight beside taps. */
function pathAlong(points: readonly Point[], from: Point, to: Point): string {
  const half = tapSize.height / 2;
  const start = { x: from.x, y: from.y + half };
  const stops = [...points.filter(({ y }) => y > start.y && y < to.y - half), { x: to.x, y: to.y - half }];
  let [last, path] = [start, `M${number(start.x)},${number(start.y)}`];
  for (const stop of stops) {
    const middle = (last.y + stop.y) / 2;
    path += `C${number(last.x)},${number(middle)} ${number(stop.x)},${number(middle)} ${number(stop.x)},${number(stop.y)}`;
    last = stop;
  }
  return path;
}

const number = (value: number): string => String(Math.round(100 * value) / 100);
