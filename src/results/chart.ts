/** What a figure shows, apart from how it is drawn: panels of series over one pair of axes. */
export interface Chart {
  /** Of the file: lower case, digits, `-`. */
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
  /** With its unit. */
  readonly label: string;
  readonly log?: boolean;
  /** Names in their order, where the axis has no numbers. */
  readonly names?: readonly string[];
  /** Positions on the axis mean nothing: no ticks. */
  readonly bare?: boolean;
}

export interface ChartPanel {
  /** Empty where there is only one. */
  readonly title: string;
  readonly series: readonly ChartSeries[];
  /** A horizontal line that the eye compares with. */
  readonly rule?: { readonly y: number; readonly label: string };
}

export interface ChartSeries {
  readonly name: string;
  readonly mark: "line" | "dots";
  readonly points: readonly ChartPoint[];
}

export interface ChartPoint {
  readonly x: number | string;
  readonly y: number;
  /** The number of the image that it stands for, from 0. */
  readonly image?: number;
  /** Ends of an interval. */
  readonly low?: number;
  readonly high?: number;
}
