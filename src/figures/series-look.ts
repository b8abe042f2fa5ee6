import type { Chart, ChartSeries } from "../results/index.ts";
import { controlColours, depthColours, kindColours } from "./colours.ts";

/** How a series looks, the same in every panel. */
export interface SeriesLook {
  readonly colour: string;
  /** The number of its marker. */
  readonly shape: number;
  /** The dashes of its line; a solid line without them. */
  readonly dash?: string;
  /** The opacity of its band. */
  readonly band: number;
}

/** Dashes by which several controls of one chart differ; the first is a solid line. */
const dashes = [undefined, "6,3", "2,3", "8,3,2,3"] as const;

export const isControl = ({ control }: ChartSeries): boolean => control === true;

/** The series of a chart, one of each name: first those that are measured, then the controls. */
export function distinctSeries({ panels }: Chart): ChartSeries[] {
  const all = panels.flatMap(({ series }) => series);
  const oneOfEach = (some: readonly ChartSeries[]) => [...new Map(some.map((each) => [each.name, each])).values()];
  return [...oneOfEach(all.filter((each) => !isControl(each))), ...oneOfEach(all.filter(isControl))];
}

/** The looks of a chart's series. The colours of the others are the same with controls as without. */
export function looksOf(chart: Chart): (series: ChartSeries) => SeriesLook {
  const distinct = distinctSeries(chart);
  const names = distinct.filter((each) => !isControl(each)).map(({ name }) => name);
  const controls = distinct.filter(isControl).map(({ name }) => name);
  const ramp = depthColours(names.length);
  return (series) => {
    if (isControl(series)) {
      const at = controls.indexOf(series.name);
      const dash = dashes[at % dashes.length];
      return {
        colour: controlColours[at % controlColours.length]!,
        shape: at,
        ...(dash === undefined ? {} : { dash }),
        band: 0.22,
      };
    }
    const at = names.indexOf(series.name);
    return chart.ordered
      ? { colour: ramp[at]!, shape: 0, band: 0.16 }
      : { colour: kindColours[at % kindColours.length]!, shape: at, band: 0.16 };
  };
}
