// The figures of docs/paper, one a claim and network, drawn from the tables there.
import { drawingDocument } from "../../src/apps/report/figures.ts";
import { chartFigure } from "../../src/figures/index.ts";
import type { Chart, ChartSeries } from "../../src/results/index.ts";
import { chartWithControls } from "../../src/studies/control-charts.ts";
import type { ClaimName } from "../../src/studies/index.ts";
import type { PaperRecord } from "./records.ts";
import { controlsOf, distinct, eachOf, kept, ofControl, readTable, seriesOf, type Table, where } from "./tables.ts";

/** The figure that bears on a claim, for one network. */
export interface PaperFigure {
  readonly on: ClaimName;
  readonly network: string;
  /** Below `docs`. */
  readonly file: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
}

/** Pixels; two stand side by side on the page. */
const WIDTH = 420;
const MEANS = "Means over images, with 95 % intervals";
/** The most lines that are shown beside controls, each in a panel of its own. */
const MOST_PANELS = 4;

type Drawn = Omit<Chart, "id" | "caption" | "title">;

/** Which table a claim's figure is drawn from, what the figure says of itself, and how it is drawn. */
interface Drawing {
  readonly table: string;
  readonly title: string;
  readonly caption: string;
  /** The lines that are shown beside controls; all of them by default. */
  readonly main?: readonly string[];
  /** `undefined` where the table has no such numbers. */
  draw(table: Table): Drawn | undefined;
}

/** The kinds of noise that are shown beside controls. */
const NOISES = ["gaussian", "salt-and-pepper", "blur", "jpeg"];

const byTap = (table: Table) => ({ label: "tap, by depth", names: distinct(table, "tap") });

const drawings: Readonly<Record<ClaimName, Drawing>> = {
  steep: {
    table: "spectra-by-tap",
    title: "How many directions survive",
    caption: `Effective rank and participation ratio of the computed σ above the floor. ${MEANS}.`,
    draw: (table) => ({
      x: byTap(table),
      y: { label: "directions", log: true },
      panels: [
        {
          title: "",
          series: [
            seriesOf(table, "effective rank", { x: "tap", y: "effective_rank" }),
            seriesOf(table, "participation ratio", { x: "tap", y: "participation_ratio" }),
          ],
        },
      ],
    }),
  },
  local: {
    table: "vectors-by-tap",
    title: "How the size of a vector and its σ go together",
    caption: `Rank correlation of σ with the area, the spread and the frequency of its vector: below 0, vectors of larger σ are smaller, or smoother. ${MEANS}.`,
    draw: (table) => ({
      x: byTap(table),
      y: { label: "rank correlation with σ" },
      panels: [
        {
          title: "",
          rule: { y: 0, label: "no relation" },
          series: ["area", "spread", "frequency"].map((name) =>
            seriesOf(table, name, { x: "tap", y: `correlation of ${name} with σ` }),
          ),
        },
      ],
    }),
  },
  shrinks: {
    table: "noise-by-level",
    title: "What noise does to the spectrum",
    caption: `Logarithm of σ at the last tap, minus that without noise, averaged over the index. ${MEANS}.`,
    main: NOISES,
    draw: (table) => byDistance(table, "log σ", "log σ, minus that without noise"),
  },
  "with the class": {
    table: "noise-by-level",
    title: "The spectrum against the margin of the class",
    caption: `Each line is a kind of noise, from weak to strong: Σσ² at the last tap against how far the class is ahead. ${MEANS} of Σσ².`,
    main: NOISES,
    draw: (table) => {
      const series = eachOf(table, "kind", (rows, kind) => seriesOf(rows, kind, { x: "margin", y: "log Σσ²" }));
      if (series.every(({ points }) => points.length === 0)) return undefined;
      return {
        x: { label: "margin, score" },
        y: { label: "log Σσ², minus that without noise" },
        panels: [{ title: "", rule: { y: 0, label: "unchanged" }, series }],
      };
    },
  },
  cause: {
    table: "noise-by-layer",
    title: "Which layers change the spectrum",
    caption:
      "Part of each layer in the change of log Σσ² at the last tap, at the strongest noise of the first kind: means over images.",
    draw: (table) => {
      const kind = distinct(table, "kind")[0]!;
      const level = distinct(table, "level").at(-1)!;
      const chosen = where(where(table, "kind", kind), "level", level);
      const series = eachOf(chosen, "group", (rows, group): ChartSeries => {
        return { ...seriesOf(rows, group, { x: "layer", y: "part" }), mark: "dots" };
      });
      return {
        x: { label: "layer, by depth", names: distinct(chosen, "layer") },
        y: { label: `part of the change of log Σσ², ${kind} noise` },
        panels: [{ title: "", rule: { y: 0, label: "no change" }, series }],
      };
    },
  },
  directions: {
    table: "directional-noise-by-amplitude",
    title: "How far noise of one length moves the output",
    caption: `Length of the change of the output, by the direction of the noise. ${MEANS}.`,
    main: ["first singular vectors", "last ones", "any direction", "towards another image"],
    draw: (table) => ({
      x: { label: "length of the noise, in units of the image's", log: true },
      y: { label: "shift, units of the last tap", log: true },
      panels: [
        {
          title: "",
          series: eachOf(table, "direction", (rows, name) => seriesOf(rows, name, { x: "amplitude", y: "shift" })),
        },
      ],
    }),
  },
  erased: {
    table: "pairs-by-tap",
    title: "How far apart pairs are",
    caption: `Distance of two images at a tap, in units of their distance at the input. ${MEANS}.`,
    draw: (table) => ({
      x: byTap(table),
      y: { label: "growth of the distance", log: true },
      panels: [
        {
          title: "",
          rule: { y: 1, label: "distance kept" },
          series: eachOf(table, "kind", (rows, kind) =>
            seriesOf(rows, kind === "within" ? "within a class" : "between classes", { x: "tap", y: "actual growth" }),
          ),
        },
      ],
    }),
  },
  movement: {
    table: "trajectory-by-tap",
    title: "How classes part, or the cloud of images narrows",
    caption:
      "Distance between classes divided by that within classes; where no two images are of one class, the participation ratio " +
      "of the cloud of images. With 95 % intervals.",
    draw: (table) => {
      const separation = seriesOf(table, "separation", { x: "tap", y: "separation" });
      const isKnown = separation.points.length > 0;
      const series = isKnown ? separation : seriesOf(table, "directions", { x: "tap", y: "participation ratio" });
      return {
        x: byTap(table),
        y: { label: isKnown ? "distance between / within classes" : "participation ratio, directions" },
        panels: [{ title: "", series: [series], ...(isKnown ? { rule: { y: 1, label: "not told apart" } } : {}) }],
      };
    },
  },
  manifold: {
    table: "manifold-energy",
    title: "Tangents in the first singular directions",
    caption:
      "Energy of known changes of the image in the first right singular vectors, as a multiple of that of a random direction: " +
      "means over images.",
    main: ["horizontal shift", "rotation", "scale", "neighbours"],
    draw: (table) => {
      const widest = String(Math.max(...distinct(table, "j").map(Number)));
      const chosen = where(table, "j", widest);
      return {
        x: byTap(chosen),
        y: { label: `energy in the first ${widest} / chance`, log: true },
        panels: [
          {
            title: "",
            rule: { y: 1, label: "chance" },
            series: eachOf(chosen, "tangent", (rows, name) => seriesOf(rows, name, { x: "tap", y: "energy / chance" })),
          },
        ],
      };
    },
  },
};

/** The figures of all claims, drawn from the tables that are kept of each network in a folder. */
export function paperFigures(records: readonly Pick<PaperRecord, "network">[], folder = kept): PaperFigure[] {
  const document = drawingDocument();
  return (Object.keys(drawings) as ClaimName[]).flatMap((on) =>
    [...new Set(records.map(({ network }) => network))].flatMap((network): PaperFigure[] => {
      const table = readTable(network, drawings[on].table, folder);
      const chart = table && chartOf(on, table);
      if (chart === undefined) return [];
      const figure = chartFigure(chart, { document, width: WIDTH });
      return [{ on, network, file: `paper/${network}/${chart.id}.svg`, title: chart.title, ...figure }];
    }),
  );
}

/** A claim's chart; beside controls, the lines that tell most have a panel each. */
function chartOf(on: ClaimName, table: Table): Chart | undefined {
  const { title, caption, draw, main = [] } = drawings[on];
  const drawn = draw(table);
  if (drawn === undefined) return undefined;
  const chart: Chart = { ...drawn, id: on.replaceAll(" ", "-"), title, caption };
  const kinds = controlsOf(table);
  if (kinds.length === 0) return chart;
  const panels = chart.panels.map((panel) => {
    const isMain = ({ name }: ChartSeries) => main.length === 0 || main.includes(name);
    return { ...panel, series: panel.series.filter(isMain).slice(0, MOST_PANELS) };
  });
  const controls = kinds.flatMap((kind) => {
    const own = draw(ofControl(table, kind));
    return own === undefined ? [] : [{ kind, one: true, charts: [{ ...chart, ...own }] }];
  });
  return {
    ...chartWithControls({ ...chart, panels }, controls),
    caption: `${caption} Grey shows controls (${kinds.join(", ")}): networks of the same graph whose weights carry nothing learned, with 95 % intervals over images and draws.`,
  };
}

function byDistance(table: Table, column: string, label: string): Drawn {
  const noisy = { ...table, rows: table.rows.filter((cells) => Number(cells[table.columns.indexOf("distance")]) > 0) };
  const series = eachOf(noisy, "kind", (rows, kind) => {
    const line = seriesOf(rows, kind, { x: "distance", y: column });
    return { ...line, points: [...line.points].sort((a, b) => Number(a.x) - Number(b.x)) };
  });
  return {
    x: { label: "root mean square change of a pixel, of full scale", log: true },
    y: { label },
    panels: [{ title: "", rule: { y: 0, label: "unchanged" }, series }],
  };
}
