import { scale } from "@observablehq/plot";

/** `#rgb…` of a row of depth, dark to light; plasma without its last quarter, which is too pale on white. */
export function depthColours(count: number): string[] {
  const { apply } = scale({
    color: { type: "linear", domain: [0, Math.max(1, count - 1)], scheme: "plasma", range: [0, 0.76] },
  });
  return Array.from({ length: count }, (_, depth) => apply(depth) as string);
}

/** Steps of the signed map to either side of zero: finer ones are not seen, and cost bytes. */
export const signedSteps = 32;

/**
 * [2·signedSteps + 1] RGB triples from −1 (blue) by 0 (white) to +1 (red); told apart with any colour vision. The map's
 * grey middle is lifted to white, so that zero cannot be mistaken for a small value's plateau.
 */
export function signedPalette(): [number, number, number][] {
  const { apply } = scale({ color: { type: "diverging", domain: [-1, 1], scheme: "RdBu", reverse: true } });
  const middle = rgbOf(apply(0) as string);
  return Array.from({ length: 2 * signedSteps + 1 }, (_, i) => {
    const t = i / signedSteps - 1;
    const lifted = rgbOf(apply(t) as string).map((part, c) =>
      Math.min(255, Math.round(part + (255 - (middle[c] as number)) * (1 - Math.abs(t)))),
    );
    return lifted as [number, number, number];
  });
}

function rgbOf(colour: string): [number, number, number] {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  return parts as [number, number, number];
}
