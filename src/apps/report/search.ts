import { formatNumber, formatShare, plural } from "../../base/index.ts";
import { inlineSvg } from "../../figures/index.ts";
import type { Chart, ChartPoint, SearchRun } from "../../results/index.ts";
import { type Candidate, ranking, strategies } from "../../search/index.ts";
import { lossName } from "../../training/index.ts";
import { renderCharts } from "./charts.ts";
import { Html, html } from "./html.ts";
import { csvOf } from "./studies.ts";
import { style } from "./style.ts";
import { scrollTable } from "./tables.ts";

/** Rows of the table of the page. The file of the candidates has all of them. */
const ROWS = 20;

/** A search, finished or not, and the name of the file of its best recipe, if there is one. */
export interface SearchReport {
  readonly run: SearchRun;
  readonly candidates: readonly Candidate[];
  readonly best?: string;
}

/**
 * The results of a search as files by name: `candidates.csv` has a row for each candidate, `errors.svg` and `errors.png` show the errors at each
 * share of the training, `search.html` is a short page.
 */
export async function renderSearch(report: SearchReport): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const { run, candidates } = report;
  const ranked = ranking(run, candidates);
  const places = [...new Set(candidates.flatMap(({ drawn }) => [...drawn.keys()]))];
  const drawn = await renderCharts([chartOf(report, ranked)]);
  return new Map<string, string | Uint8Array>([
    ["candidates.csv", csvOf(tableOf(report, ranked, places))],
    ...drawn,
    ["search.html", pageOf(report, ranked, places, drawn.get("errors.svg") as string)],
  ]);
}

type Ranked = ReturnType<typeof ranking>;

/** Every candidate, the best first, and then those that were not trained. */
function tableOf({ run, candidates }: SearchReport, ranked: Ranked, places: readonly string[]) {
  const { rungs } = run.manifest;
  const reached = new Map(ranked.map(({ candidate, rung }) => [candidate, rung]));
  const others = candidates.map(({ index }) => index).filter((index) => !reached.has(index));
  const rows = [...ranked.map(({ candidate }) => candidate), ...others].map((candidate) => {
    const place = { candidate, seed: 0 };
    const rung = reached.get(candidate);
    const at = (name: string) => (rung === undefined ? Number.NaN : run.value(name, { ...place, rung }));
    return [
      candidate,
      ...places.map((where) => candidates[candidate]!.drawn.get(where) ?? ""),
      rung === undefined ? 0 : rungs[rung]!,
      ...["validation_error", "validation_loss", "test_error"].map(at),
      run.value("log_sigma", place, 0),
      run.value("log_sigma", place, 1),
      run.value("curvature", place),
      run.value("gradient_balance", place),
      run.rejected[candidate]!,
    ];
  });
  const measures = ["log_sigma", "log_sigma_after", "curvature", "gradient_balance"];
  const columns = [
    "candidate",
    ...places,
    "trained",
    "validation_error",
    "validation_loss",
    "test_error",
    ...measures,
    "rejected",
  ];
  return { id: "candidates", caption: "", columns, rows };
}

function chartOf({ run, candidates }: SearchReport, [first]: Ranked): Chart {
  const { rungs } = run.manifest;
  const points = (candidate: number): ChartPoint[] =>
    rungs.flatMap((x, rung) => {
      const y = run.value("validation_error", { candidate, seed: 0, rung });
      return Number.isFinite(y) ? [{ x, y }] : [];
    });
  const all = candidates.flatMap(({ index }) => points(index));
  return {
    id: "errors",
    title: "Candidates by the share of their training",
    caption: "Marks: all candidates that were trained so far. Line: the one that is best at the end.",
    x: { label: "share of the training", log: true },
    y: {
      label: isShare(candidates) ? "share of validation examples classified wrongly" : "loss on validation examples",
    },
    panels: [
      {
        title: "",
        series: [
          { name: "candidates", mark: "dots", points: all },
          ...(first === undefined ? [] : [{ name: "best", mark: "line" as const, points: points(first.candidate) }]),
        ],
      },
    ],
  };
}

/** Whether errors are shares of examples, and no losses. */
const isShare = ([first]: readonly Candidate[]): boolean =>
  first !== undefined && lossName(first.recipe.loss) === "softmaxCrossEntropy";

function pageOf(
  { run, candidates, best }: SearchReport,
  ranked: Ranked,
  places: readonly string[],
  svg: string,
): string {
  const { strategy, budget, rungs, versions, backend } = run.manifest;
  const [first] = ranked;
  const title = "Search of hyper-parameters";
  const about =
    (strategies as Readonly<Record<string, { readonly about: string }>>)[strategy]?.about ??
    "every candidate is trained";
  const shown = (value: string | number | undefined) =>
    typeof value === "number" ? formatNumber(value) : (value ?? "–");
  const error = (candidate: number, rung: number, name: string) => {
    const value = run.value(name, { candidate, seed: 0, rung });
    return isShare(candidates) ? formatShare(value) : formatNumber(value);
  };
  const rows = ranked
    .slice(0, ROWS)
    .map(
      ({ candidate, rung }) =>
        html`<tr><th scope="row">${candidate}</th>${places.map(
          (place) => html`<td>${shown(candidates[candidate]!.drawn.get(place))}</td>`,
        )}<td>${formatShare(rungs[rung]!)}</td><td>${error(candidate, rung, "validation_error")}</td></tr>`,
    );
  const rejected = run.rejected.flatMap((why, candidate) => (why === "" ? [] : [{ candidate, why }]));
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${new Html(style)}</style></head><body><main>
<header><h1>${title}</h1><p class="soft">Pushforward ${versions.pushforward} · ${backend} · ${strategy}: ${about} · budget of ${plural(budget, "full training")}</p></header>
${
  first === undefined
    ? html`<p class="lead">Nothing is trained yet.</p>`
    : html`<p class="lead">The best of ${plural(candidates.length, "candidate")} is number ${first.candidate}: an error of
${error(first.candidate, first.rung, "validation_error")} on the examples by which it was chosen, and of
${error(first.candidate, first.rung, "test_error")} on those that chose nothing.
${best === undefined ? undefined : html`Its recipe is <a href="${best}">${best}</a>: <code>pushforward train ${best} --out trained</code>`}</p>`
}
<section><h2>Errors</h2><figure><div class="paper">${new Html(inlineSvg(svg))}</div></figure></section>
<section><h2>Candidates</h2><p class="soft">All of them, with all that was measured: <a href="candidates.csv">candidates.csv</a></p>${scrollTable(
    `The first ${Math.min(ROWS, ranked.length)} of ${ranked.length} that were trained. “Trained”: the share of the training after which the error was measured.`,
    ["Candidate", ...places, "Trained", "Error"],
    rows,
  )}</section>
${
  rejected.length === 0
    ? undefined
    : html`<section><h2>Not trained</h2><ul>${rejected.map(({ candidate, why }) => html`<li>Candidate ${candidate}: ${why}</li>`)}</ul></section>`
}
</main></body></html>
`.markup;
}
