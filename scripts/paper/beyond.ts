// Measures beyond the claims of the paper: the trial again, and the same measures of the other networks.
import { toldBriefly } from "../../src/studies/index.ts";
import type { PaperRecord } from "./records.ts";
import { readTable, type Table } from "./tables.ts";
import { MAIN, networksOf } from "./tests.ts";
import { type Measure, measures, type TrialRow, trial, trialRows } from "./trial.ts";
import { type Interval, listed, markdownTable, named } from "./words.ts";

/** A number of a table with its interval; images and draws are those of the whole table. */
type Number3 = Pick<Interval, "value" | "low" | "high">;

/** A measure at one tap: of the trained network, of two controls, and the differences from them. */
export interface Row {
  readonly trained: Number3;
  readonly permuted: Number3;
  readonly matched: Number3;
  readonly fromPermuted: Number3;
  readonly fromMatched: Number3;
}

/** A measure at a tap; `undefined` if the table does not have it with both controls. */
export function rowAt({ columns, rows }: Table, { column }: Measure, tap: string): Row | undefined {
  const cells = rows.find(([name]) => name === tap);
  const at = (name: string): Number3 => {
    const [value, low, high] = [name, `${name}, low`, `${name}, high`].map((each) => {
      const cell = cells![columns.indexOf(each)] ?? "";
      return cell === "" ? Number.NaN : Number(cell);
    });
    return { value: value!, low: low!, high: high! };
  };
  const needed = [column, `${column}, permuted`, `${column}, ${MAIN}`];
  if (cells === undefined || !needed.every((name) => columns.includes(name))) return undefined;
  return {
    trained: at(column),
    permuted: at(`${column}, permuted`),
    matched: at(`${column}, ${MAIN}`),
    fromPermuted: at(`${column}, trained − permuted`),
    fromMatched: at(`${column}, trained − ${MAIN}`),
  };
}

/** Whether a row of the trial came out again, and if not, what is different. */
interface Again {
  readonly outcome: "yes" | "in part" | "no";
  readonly why: string;
}

/**
 * Whether a row of the trial came out again: the three means are in the same order, and the interval of the difference to the matched
 * control lies on the same side of zero. *In part* if only the latter holds.
 */
export function cameOut(before: TrialRow, now: Row): Again {
  const matched = (before.matched[0] + before.matched[1]) / 2;
  const order = (trained: number, permuted: number, control: number) =>
    Object.entries({ trained, permuted, matched: control })
      .sort(([, a], [, b]) => a - b)
      .map(([name]) => name)
      .join(" < ");
  const then = order(before.trained, before.permuted, matched);
  const found = order(now.trained.value, now.permuted.value, now.matched.value);
  const ofOrder = then === found ? "" : `the order is ${found}, and was ${then}`;
  const sign = Math.sign(before.trained - matched);
  const { low, high } = now.fromMatched;
  if (sign > 0 ? low > 0 : high < 0) return { outcome: ofOrder === "" ? "yes" : "in part", why: ofOrder };
  const isOther = sign > 0 ? high < 0 : low > 0;
  const ofSign = isOther ? "trained − matched has the other sign" : "trained − matched includes zero";
  return { outcome: "no", why: ofOrder === "" ? ofSign : `${ofSign}, and ${ofOrder}` };
}

/** The trial made again, with a column that says what came out again. */
export function trialAgain(records: readonly PaperRecord[]): string {
  const own = records.filter(
    ({ network, study }) => network === trial.network && ["spectra", "vectors"].includes(study),
  );
  const rows = trialRows.flatMap((before) => {
    const table = readTable(trial.network, before.measure.table);
    const now = table && rowAt(table, before.measure, before.tap);
    return now === undefined ? [] : [{ before, now }];
  });
  if (rows.length === 0) return "The trial has not been made again yet.";
  const compared = rows.map(({ before, now }) => {
    const matched = before.matched.map(told).join(", ");
    const ends = before.interval === undefined ? "" : ` (${before.interval.map(told).join(" to ")})`;
    const name = `${before.measure.name}, ${before.tap}`;
    const again = cameOut(before, now);
    const cells = [
      name,
      `**${again.outcome}**`,
      `${toldBriefly(now.trained)}<br>*${told(before.trained)}${ends}*`,
      `${toldBriefly(now.permuted)}<br>*${told(before.permuted)}*`,
      `${toldBriefly(now.matched)}<br>*${matched}*`,
      toldBriefly(now.fromMatched),
    ];
    return { name, cells, ...again };
  });
  const other = compared.filter(({ outcome }) => outcome !== "yes");
  const whole = compared.length - other.length;
  const summary = `${whole} of ${compared.length} rows come out again${other.length === 0 ? "." : ", and these do not, or only in part:"}`;
  const missing = trialRows.length - rows.length;
  return `${sizes(own)} The numbers of the trial are in italics.

${markdownTable(
  named("measure, tap", "again?", "trained", "permuted", "matched", "trained − matched"),
  compared.map(({ cells }) => cells),
)}

A row comes out again if the three means are in the same order as in the trial, and the interval of trained − matched lies on the same
side of zero; it does *in part* if only the latter holds. ${missing === 0 ? "" : `${missing} rows of the trial were not measured again. `}${summary}${other.map(({ name, why }) => `\n\n- ${name}: ${why}.`).join("")}`;
}

/** With how many images, draws and σ the rows were measured, and where that differs from the trial. */
function sizes(own: readonly PaperRecord[]): string {
  const texts = new Map<string, string[]>();
  for (const { study, inputs, controls, manifest } of own) {
    const draws = controls.map(({ kind, draws }) => `${draws.length} ${kind}`);
    const text = `${inputs} images, k = ${manifest.spectra.k}, and ${listed(draws)} networks`;
    texts.set(text, [...(texts.get(text) ?? []), study]);
  }
  const ofStudies = [...texts].map(([text, studies]) => `${text} (${listed(studies)})`);
  const otherK = own.some(({ manifest }) => manifest.spectra.k !== trial.k);
  return (
    `The trial had ${trial.images} photographs, k = ${trial.k}, ${trial.permuted} permuted and ${trial.matched} matched networks, and no certificates or intervals over draws. ` +
    `Here there are ${listed(ofStudies)}.${otherK ? " Participation ratio, effective rank and correlations depend on k, so that their sizes cannot be compared with the trial." : ""}`
  );
}

const told = (value: number): string => toldBriefly({ value, low: Number.NaN, high: Number.NaN });

/** The measures at the tap before the last and at the last one, for every network with both controls. */
export function otherNetworks(records: readonly PaperRecord[]): string {
  const rows = networksOf(records).flatMap((network) =>
    Object.values(measures).flatMap((measure) => {
      const table = readTable(network, measure.table);
      if (table === undefined) return [];
      const taps = table.rows.map(([tap]) => tap!).slice(-2);
      return taps.flatMap((tap) => {
        const found = rowAt(table, measure, tap);
        if (found === undefined || Number.isNaN(found.trained.value)) return [];
        const { trained, permuted, matched, fromMatched } = found;
        return [[`${network}, ${tap}`, measure.name, ...[trained, permuted, matched, fromMatched].map(toldBriefly)]];
      });
    }),
  );
  if (rows.length === 0) return "";
  return `\n\n<details><summary>The same measures of all networks, at the last two taps</summary>\n\n${markdownTable(
    named("network, tap", "measure", "trained", "permuted", "matched", "trained − matched"),
    rows,
  )}\n\n</details>`;
}

/** What was expected beyond the claims, held against each network: a larger σ₁, and a frequency that rises with σ instead of falling. */
export function beyondExpected(records: readonly PaperRecord[]): string {
  const found = networksOf(records).flatMap((network) => {
    const at = (measure: Measure) => {
      const table = readTable(network, measure.table);
      const tap = table?.rows.map(([name]) => name!).slice(-2)[0];
      return table && tap !== undefined ? rowAt(table, measure, tap) : undefined;
    };
    const [first, frequency] = [at(measures.first), at(measures.frequency)];
    const ratio = first === undefined ? Number.NaN : first.trained.value / first.matched.value;
    const rises = frequency === undefined ? Number.NaN : frequency.trained.low;
    const falls = frequency === undefined ? Number.NaN : frequency.matched.high;
    return [
      ...(Number.isNaN(ratio)
        ? []
        : [{ of: "σ₁", text: `${told(ratio)} times in ${network} (${ratio >= 10 ? "met" : "not met"})` }]),
      ...(Number.isNaN(rises + falls)
        ? []
        : [
            {
              of: "frequency",
              text: `${toldBriefly(frequency!.trained)} against ${toldBriefly(frequency!.matched)} in ${network} (${rises > 0 && falls < 0 ? "met" : "not met"})`,
            },
          ]),
    ];
  });
  const textsOf = (of: string) => found.filter((each) => each.of === of).map(({ text }) => text);
  const [sigmas, frequencies] = [textsOf("σ₁"), textsOf("frequency")];
  if (sigmas.length + frequencies.length === 0) return "";
  return `

Two things were expected beyond the claims, at the tap before the last:

- σ₁ is at least 10 times that of the ${MAIN} control. It is ${listed(sigmas) || "not known"}.
- The frequency of a vector rises with σ (a positive rank correlation, by its interval), and falls in the control. The correlation is
  ${listed(frequencies) || "not known"}.`;
}
