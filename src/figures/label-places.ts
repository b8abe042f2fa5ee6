import type { Box } from "./types.ts";

/** x and y in pixels. */
export type Point = readonly [number, number];

/** The size of a name that is to be placed near a point. */
export interface Label {
  readonly end: Point;
  readonly width: number;
  readonly height: number;
}

/**
 * The distances to the side at which a name is tried, in pixels. After the last, `FAR_STEP` is added up to the end of
 * the frame.
 */
const nearSteps = [8, 14, 22, 32, 44, 60, 80];
const FAR_STEP = 28;
/** The step in pixels by which a name is tried further up and further down. */
const ROW_STEP = 7;
/** The cost of each fault of a place, in pixels of distance. */
const cost = { point: 9, touch: 2, end: 60, leader: 90, crossing: 40 };

/**
 * Boxes for names near their points. The boxes lie within the frame, do not overlap, and cover few of the obstacles.
 *
 * The method is greedy, from right to left. If the frame has no place for a name that is free of the other names, the name is
 * put at its point all the same.
 */
export function placeLabels(labels: readonly Label[], obstacles: readonly Point[], frame: Box): Box[] {
  const placed = new Array<Box>(labels.length);
  const done: { readonly box: Box; readonly leader: readonly [Point, Point] }[] = [];
  const order = labels.map((_, i) => i).sort((a, b) => labels[b]!.end[0] - labels[a]!.end[0]);
  const ends = labels.map(({ end }) => end);
  for (const i of order) {
    const { end } = labels[i]!;
    let best: { readonly box: Box; readonly leader: readonly [Point, Point]; readonly faults: number } | undefined;
    for (const box of candidates(labels[i]!, frame)) {
      const side: Point = [box.x > end[0] ? box.x : box.x + box.width, box.y + box.height / 2];
      const distance = Math.hypot(side[0] - end[0], side[1] - end[1]);
      if (best !== undefined && distance >= best.faults) continue;
      if (done.some((other) => overlap(box, other.box))) continue;
      const faults =
        distance +
        cost.point * obstacles.filter((point) => inside(point, box)).length +
        cost.touch * obstacles.filter((point) => liesOn(point, [end, side])).length +
        cost.end * ends.filter((point, j) => j !== i && inside(point, box)).length +
        cost.leader *
          done.filter((other) => crossesBox([end, side], other.box) || crossesBox(other.leader, box)).length +
        cost.crossing * done.filter((other) => cross([end, side], other.leader)).length;
      if (best === undefined || faults < best.faults) best = { box, leader: [end, side], faults };
    }
    const { width, height } = labels[i]!;
    const chosen = best ?? {
      box: { x: end[0] + 8, y: end[1] - height / 2, width, height },
      leader: [end, end] as const,
    };
    placed[i] = chosen.box;
    done.push(chosen);
  }
  return placed;
}

/** Boxes on both sides of the point, the nearest first. */
function* candidates({ end: [x, y], width, height }: Label, frame: Box): Generator<Box> {
  const [right, bottom] = [frame.x + frame.width, frame.y + frame.height];
  const steps = [...nearSteps];
  for (let step = nearSteps.at(-1)! + FAR_STEP; step < frame.width; step += FAR_STEP) steps.push(step);
  for (const step of steps) {
    for (const left of [x + step, x - step - width]) {
      if (left < frame.x || left + width > right) continue;
      for (let row = 0; row * ROW_STEP < frame.height; row++) {
        for (const middle of row === 0 ? [y] : [y + row * ROW_STEP, y - row * ROW_STEP]) {
          const top = middle - height / 2;
          if (top >= frame.y && top + height <= bottom) yield { x: left, y: top, width, height };
        }
      }
    }
  }
}

/** Points of a line of straight pieces, at most `step` apart. */
export function sampled(line: readonly Point[], step: number): Point[] {
  return line.flatMap((to, i): Point[] => {
    const from = line[i - 1];
    if (from === undefined) return [to];
    const pieces = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / step));
    return Array.from({ length: pieces }, (_, j) => {
      const share = (j + 1) / pieces;
      return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
    });
  });
}

export function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function inside([x, y]: Point, box: Box): boolean {
  return x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
}

/** Whether a point lies within two pixels of a line; the first six pixels of the line do not count. */
function liesOn([x, y]: Point, [[x0, y0], [x1, y1]]: readonly [Point, Point]): boolean {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = Math.hypot(dx, dy);
  const along = ((x - x0) * dx + (y - y0) * dy) / length;
  return along > 6 && along < length && Math.abs((x - x0) * dy - (y - y0) * dx) < 2 * length;
}

function crossesBox(line: readonly [Point, Point], box: Box): boolean {
  return sampled(line, 3).some((point) => inside(point, box));
}

function cross([a, b]: readonly [Point, Point], [c, d]: readonly [Point, Point]): boolean {
  const side = (p: Point, q: Point, r: Point) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}
