import type { Shape } from "../base/index.ts";

/** The content of a figure, independent of its drawing: panels of series over one pair of axes. */
export interface Chart {
  /** Part of the file's name: lower-case letters, digits and `-`. */
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  /** The series are in an order, as taps by depth: their colours go with it. */
  readonly ordered?: boolean;
  readonly panels: readonly ChartPanel[];
}

export interface ChartAxis {
  /** The label, including the unit. */
  readonly label: string;
  readonly log?: boolean;
  /** The names along the axis in order, if it has names and no numbers. */
  readonly names?: readonly string[];
  /** Positions on the axis have no meaning, so there are no ticks. */
  readonly bare?: boolean;
}

export interface ChartPanel {
  /** The title of the panel; empty if there is only one panel. */
  readonly title: string;
  readonly series: readonly ChartSeries[];
  /** A horizontal line for comparison. */
  readonly rule?: { readonly y: number; readonly label: string };
  /** Whether all of it shows a control: it has a grey frame. */
  readonly control?: true;
}

export interface ChartSeries {
  readonly name: string;
  /** Whether it shows a control: networks with the same graph and random weights. */
  readonly control?: true;
  /** A line with a band for its intervals, or markers with bars for theirs. */
  readonly mark: "line" | "dots";
  readonly points: readonly ChartPoint[];
}

export interface ChartPoint {
  readonly x: number | string;
  readonly y: number;
  /** The number of the image that it stands for, from 0. */
  readonly image?: number;
  /** The ends of an interval. */
  readonly low?: number;
  readonly high?: number;
  readonly sample?: Sample;
}

/** How a number follows from images, so that it can be computed again without some of them. */
export interface Sample {
  /** Present if it follows from trainings, each of a seed of its own, or from configurations with all their seeds, in place of images. */
  readonly unit?: "training" | "configuration" | "seed";
  /** Present if it is a share, whose interval must stay in [0, 1]. */
  readonly scale?: "share";
  /** The images for which it is known, from 0. */
  readonly images: readonly number[];
  /** The number from some of these images; an image may be given several times. NaN if they do not determine it. */
  of(images: readonly number[]): number;
}

/** Numbers over two axes as colours, in panels above each other, and curves on the same horizontal axis below them. */
export interface ColourMap {
  /** Part of the file's name: lower-case letters, digits and `-`. */
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  /** Both axes are logarithmic. */
  readonly x: string;
  readonly y: string;
  /** What the colours show, and their ends. */
  readonly colour: { readonly label: string; readonly ends: readonly [number, number] };
  readonly panels: readonly {
    readonly title: string;
    /** Whether it shows a control. */
    readonly control?: true;
    readonly cells: readonly ColourCell[];
  }[];
  /** Shares in [0, 1]; none if nothing is known. */
  readonly curves: readonly ChartSeries[];
}

/** A rectangle of a map; the middle of each side is taken between it and the next. */
export interface ColourCell {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

/** Vectors of one shape as signed pictures, in a row for each of several things. */
export interface PictureRows {
  /** Part of the file's name: lower-case letters, digits and `-`. */
  readonly id: string;
  readonly title: string;
  /** What is shown, and where; the drawing adds how its colours are to be read. */
  readonly caption: string;
  /** That of an input and of every vector: [1 or 3, height, width]. */
  readonly shape: Shape;
  readonly rows: readonly PictureRow[];
}

export interface PictureRow {
  readonly name: string;
  /** The input at which the vectors are taken; it stands first. */
  readonly source?: ArrayLike<number>;
  /** Singular vectors by their σ, the largest first; `undefined` for one that is not known or arbitrary. */
  readonly vectors: readonly ({ readonly sigma: number; readonly entries: ArrayLike<number> } | undefined)[];
}
