import { scale } from "@observablehq/plot";

/** Text and lines that belong to no series. */
export const ink = "#222";
/** The colour of frames and of the grid lines that help a reader to read values. */
export const softInk = "#767676";

/**
 * Ten colours for kinds that have no order. Any two differ by at least 13 (CIE ΔE 2000), for normal colour vision and for
 * protanopia, deuteranopia and tritanopia. The contrast of each with white is at least 3:1. Kinds also differ in their markers.
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

/**
 * The greys of controls, from dark to light. They differ by at least 20 (CIE ΔE 2000) from each other and from the first two kinds,
 * for every colour vision; the contrast of each with white is at least 3:1.
 */
export const controlColours = ["#606060", "#949494"] as const;

/**
 * Colours that stand for depth, from dark to light: the map plasma as far as its contrast with white is at least 3:1.
 */
export function depthColours(count: number): string[] {
  const { apply } = scale({
    color: { type: "linear", domain: [0, Math.max(1, count - 1)], scheme: "plasma", range: [0, 0.64] },
  });
  return Array.from({ length: count }, (_, depth) => apply(depth) as string);
}

/** A colour as it is used for text: darkened until its contrast with white is 4.5:1. */
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

/**
 * The number of colours on either side of zero in the signed map. Finer steps cannot be seen and would take more bytes.
 */
export const signedSteps = 32;

/**
 * The two ends of the signed map. Both are dark enough to be seen over a faded picture, and any colour vision can tell
 * them apart.
 */
const signs = { minus: [5, 72, 150], plus: [168, 16, 32] } as const;
/** The opacity of the largest entries. It is below 1, so that the picture below still shows through. */
const MOST_OPAQUE = 242;

/**
 * [2·signedSteps + 1] colours with opacity, from −1 (blue) through 0 (transparent) to +1 (red). They are drawn over a faded
 * picture or over white.
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
