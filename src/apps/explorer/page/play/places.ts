import type { Movement } from "../subject.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  /** Of a picture. */
  readonly size: number;
}

/** Where pictures are drawn at a layer, or between two if `place` is no integer: all layers fit into the frame together. */
export function placesAt({ positions }: Movement, place: number, { width, height, size }: Frame): Point[] {
  const [before, share] = [Math.floor(place), eased(place % 1)];
  const [from, to] = [positions[before]!, positions[Math.min(before + 1, positions.length - 1)]!];
  const margin = size / 2 + 8;
  const [across, down] = [0, 1].map((axis) => largestOf(positions, axis)) as [number, number];
  const put = (at: number, reach: number, extent: number) =>
    extent / 2 + ((from[at]! + share * (to[at]! - from[at]!)) / reach) * (extent / 2 - margin);
  return Array.from({ length: from.length / 2 }, (_, i) => ({
    x: put(2 * i, across, width),
    y: put(2 * i + 1, down, height),
  }));
}

function largestOf(positions: Movement["positions"], axis: number): number {
  let largest = 0;
  for (const position of positions) {
    for (let i = axis; i < position.length; i += 2) largest = Math.max(largest, Math.abs(position[i]!));
  }
  return largest || 1;
}

/** Slow at both ends of a way. */
const eased = (share: number): number => share * share * (3 - 2 * share);
