import type { PlotOptions } from "@observablehq/plot";
import type { UnitResult } from "../results/index.ts";

/** A drawing and what a reader must know to read it. */
export interface Figure {
  /** A whole SVG document on a white ground, with the caption as its description; it asks for nothing from outside. */
  readonly svg: string;
  /** Plain text. */
  readonly caption: string;
}

/** The document that a figure is drawn with: the browser's own, or a stand-in under Node. */
export type SvgDocument = NonNullable<PlotOptions["document"]>;

/** What is measured at one unit, without the long vectors. */
export type UnitNumbers = Omit<UnitResult, "vectors">;

/** One tap and the units that are there; taps are handed over in the order of depth. */
export interface TapUnits {
  readonly tap: string;
  readonly units: readonly { readonly input: string; readonly unit: UnitNumbers }[];
}
