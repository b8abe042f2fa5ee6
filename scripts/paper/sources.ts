// Where the numbers of the page come from: inputs, settings, draws and times of all runs.
import { formatSeconds } from "../../src/base/index.ts";
import { noises } from "../../src/images/index.ts";
import { earlier } from "./earlier.ts";
import type { PaperRecord } from "./records.ts";
import { networksOf } from "./tests.ts";
import { listed, markdownTable, named } from "./words.ts";

export function sources(records: readonly PaperRecord[]): string {
  const table = markdownTable(
    [
      ...named("network", "study"),
      ...["inputs", "k", "taps", "seed"].map(rightAligned),
      ...named("draws"),
      ...["time", "spectra", "time of controls", "their spectra"].map(rightAligned),
      ...named("tables"),
    ],
    records.map(rowOf),
  );
  return `The tables contain the numbers with their intervals; \`STUDY-claims.csv\` has those behind the verdicts, without each image in turn.
The stores that they come from are too large for this repository. *Time* is the wall time of a study on two cores, in part with another
study running at the same time. It includes the spectra that this study was the first to need. *Spectra* is the time of all spectra that
the studies of a folder share. The times of controls are sums over all draws. The seed of a control is that of the study, and a draw is
fixed by both.

${table}

${less(records)}

Settings of the studies:

${settings(records)}

Networks: ${networksOf(records)
    .map((network) => modelOf(records.filter((record) => record.network === network)))
    .join("; ")}.`;
}

const rightAligned = (name: string) => ({ name, right: true });

function rowOf({ network, study, inputs, taps, seconds, ofSpectra, controls, tables, manifest }: PaperRecord) {
  const sumOf = (times: readonly number[]) => timeOf(times.reduce((sum, time) => sum + time, 0));
  return [
    network,
    study,
    inputs,
    manifest.spectra.k,
    taps.length || "–",
    manifest.seed,
    controls.map(({ kind, draws }) => `${draws.length} ${kind}`).join(", ") || "–",
    formatSeconds(seconds),
    timeOf(ofSpectra),
    sumOf(controls.map(({ seconds }) => seconds)),
    sumOf(controls.map(({ ofSpectra }) => ofSpectra)),
    tables.map((file) => `[${file.slice(study.length + 1, -4)}](paper/${network}/${file})`).join(", "),
  ];
}

const timeOf = (seconds: number): string => (seconds === 0 ? "–" : formatSeconds(seconds));

/** Which studies are smaller than they were before they had controls. */
function less(records: readonly PaperRecord[]): string {
  const changes = records.flatMap((record) => {
    const before = earlier[record.network]?.[record.study];
    if (before === undefined) return [];
    const now = sizesOf(record);
    const smaller = Object.entries(before).flatMap(([name, size]) =>
      (now[name] ?? size) < size && !isUnused(name, record.manifest.params)
        ? [`${name} ${now[name]} instead of ${size}`]
        : [],
    );
    return smaller.length === 0 ? [] : [`- ${record.network}, ${record.study}: ${smaller.join(", ")}`];
  });
  return changes.length === 0
    ? "No study is smaller than it was before it had controls."
    : `To leave time for the controls, some studies are smaller than they were before. Of a list, the length is told.\n\n${changes.join("\n")}`;
}

function sizesOf({ inputs, taps, manifest }: PaperRecord): Readonly<Record<string, number>> {
  const { params, spectra } = manifest;
  const own = Object.entries(params).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.length : Number(value),
  ]);
  return { inputs, k: spectra.k, ...(taps.length > 0 && { taps: taps.length }), ...Object.fromEntries(own) };
}

/** The settings of each study, once for all networks that share them. */
function settings(records: readonly PaperRecord[]): string {
  const texts = new Map<string, string[]>();
  for (const { network, study, manifest } of records) {
    const { params, spectra, preprocess } = manifest;
    const own = Object.entries(params)
      .filter(([name]) => !isUnused(name, params))
      .map(([name, value]) => `${name} ${[value].flat().join(", ")}`);
    const shared = [`tol ${spectra.tol}`, `vectors ${spectra.vectors}`, `unit ${preprocess.unit}`];
    const text = `${study}: ${[...own, ...shared].join("; ")}`;
    texts.set(text, [...(texts.get(text) ?? []), network]);
  }
  return [...texts].map(([text, networks]) => `- ${text} (${networks.join(", ")})`).join("\n");
}

/** Whether a setting is the levels of a kind of noise that the study did not use. */
const isUnused = (name: string, { kinds }: PaperRecord["manifest"]["params"]): boolean =>
  Object.hasOwn(noises, name) && !(Array.isArray(kinds) && kinds.map(String).includes(name));

/** `digits (digits.onnx, SHA-256 877f19448a3d…)` */
function modelOf(records: readonly PaperRecord[]): string {
  const { network } = records[0]!;
  const models = new Map(records.map(({ manifest: { model } }) => [model.sha256, model.file]));
  const files = [...models].map(([sha256, file]) => `${file}, SHA-256 ${sha256.slice(0, 12)}…`);
  return `${network} (${listed(files)})`;
}
