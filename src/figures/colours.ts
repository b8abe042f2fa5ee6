import { scale } from "@observablehq/plot";

/** Text and lines that belong to no series. */
export const ink = "#222";
/** Of frames and grid lines that a reader may need. */
export const softInk = "#767676";

/**
 * Ten colours for kinds that have no order. Pairs differ by at least 13 (CIE ΔE 2000) with common sight and with that of
 * protanopes, deuteranopes and tritanopes, and each stands out from white by 3:1 or more. Kinds differ in their markers too.
 */
export const kindColours = [
  "#0072b2",
  "#d55e00",
  "#779966",
  "#442255",
  "#0099ee",
  "#661111",
  "#995577",
  "#0000cc",
  "#444444",
  "#aa3311",
] as const;

/** Colours of a row of depth, dark to light: plasma up to where it stands out from white by 3:1. */
export function depthColours(count: number): string[] {
  const { apply } = scale({
    color: { type: "linear", domain: [0, Math.max(1, count - 1)], scheme: "plasma", range: [0, 0.64] },
  });
  return Array.from({ length: count }, (_, depth) => apply(depth) as string);
}

/** A colour as it is used for letters: darkened until it stands out from white by 4.5:1. */
export function legible(colour: string): string {
  const shaded = (share: number) => rgbOf(colour).map((part) => Math.round(part * share)) as [number, number, number];
  let share = 1;
  while (contrastWithWhite(shaded(share)) < 4.5) share -= 0.02;
  return `#${shaded(share)
    .map((part) => part.toString(16).padStart(2, "0"))
    .join("")}`;
}

/** @see WCAG 2.2, relative luminance and contrast ratio */
function contrastWithWhite(colour: readonly [number, number, number]): number {
  const [red, green, blue] = colour.map((part) => {
    const level = part / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

/** Steps of the signed map to either side of zero: finer ones are not seen, and cost bytes. */
export const signedSteps = 32;

/** Dark enough to be seen over a faded picture; told apart with any colour vision. */
const signs = { minus: [5, 72, 150], plus: [168, 16, 32] } as const;
/** Of the largest entries: what lies below still shows through. */
const MOST_OPAQUE = 242;

/**
 * [2·signedSteps + 1] colours with opacity from −1 (blue) by 0 (nothing) to +1 (red), to be laid over a faded picture or a white
 * ground.
 */
export function signedPalette(): [number, number, number, number][] {
  return Array.from({ length: 2 * signedSteps + 1 }, (_, i) => {
    const t = i / signedSteps - 1;
    return [...(t < 0 ? signs.minus : signs.plus), Math.round(Math.abs(t) * MOST_OPAQUE)];
  });
}

function rgbOf(colour: string): [number, number, number] {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  return parts as [number, number, number];
}
