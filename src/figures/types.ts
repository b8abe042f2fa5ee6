import type { PlotOptions } from "@observablehq/plot";
import type { UnitResult } from "../results/index.ts";

/** A drawing, and the caption that a reader needs to understand it. */
export interface Figure {
  /** A whole SVG document on a white background, with the caption as its description. It refers to no outside file. */
  readonly svg: string;
  /** Plain text. */
  readonly caption: string;
}

/** The DOM document with which a figure is drawn: the browser's own, or a replacement for it under Node. */
export type SvgDocument = NonNullable<PlotOptions["document"]>;

/** The result of one unit, without its long vectors. */
export type UnitNumbers = Omit<UnitResult, "vectors">;

/** One tap and its computed units. Functions take taps in the order of depth. */
export interface TapUnits {
  readonly tap: string;
  readonly units: readonly { readonly input: string; readonly unit: UnitNumbers }[];
}

/** A rectangle in pixels: its upper left corner and its size. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
