import { formatNumber, formatShape, quoted } from "../../base/index.ts";
import type { RunManifest } from "../../results/index.ts";
import { type Html, html } from "./html.ts";
import { baseName } from "./prose.ts";

const longestSettings = 600;

/** The provenance of the numbers on the page. */
export function provenance(manifest: RunManifest, command: string | undefined): Html {
  const settings = JSON.stringify(manifest.preprocess.settings);
  const shown = settings.length > longestSettings ? `${settings.slice(0, longestSettings)}…` : settings;
  const rows: (readonly [string, Html | string])[] = [
    ["Model", html`${manifest.model.file}<br><code>sha256 ${manifest.model.sha256}</code>`],
    ["Source", `${manifest.from.name}, ${formatShape(manifest.from.shape)} (tensor ${manifest.from.tensor})`],
    ["Preprocessing", html`${manifest.preprocess.name}<br><code>${shown}</code>`],
    ["Unit of the source", manifest.preprocess.unit],
    ["Settings", `k = ${manifest.k}, tolerance ${formatNumber(manifest.tol)}, seed ${manifest.seed}`],
    [
      "Vectors stored",
      manifest.vectors === "all" ? "all" : `the first and the last ${manifest.vectors} of each spectrum`,
    ],
    ["Solver", manifest.solver],
    ["Backend", manifest.backend],
    [
      "Versions",
      Object.entries(manifest.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ["Started", manifest.created],
    ["Store format", `${manifest.format} ${manifest.formatVersion}`],
  ];
  const asked = command === undefined ? "An equivalent command" : "Command";
  return html`<dl>${rows.map(([term, what]) => html`<dt>${term}</dt><dd>${what}</dd>`)}</dl>
<p class="soft">${asked}:</p><pre><code>${command ?? commandOf(manifest)}</code></pre>`;
}

function commandOf({ model, inputs, taps, from, k, tol, seed, preprocess }: RunManifest): string {
  const files = inputs.map(({ file }) => file);
  const listed = files.length > 4 ? [...files.slice(0, 3).map(quoted), "…"] : files.map(quoted);
  return [
    `pushforward spectrum ${quoted(baseName(model.file))} ${listed.join(" ")}`,
    `--taps ${quoted(taps.map(({ name }) => name).join(","))} --from ${quoted(from.name)}`,
    `-k ${k} --tol ${tol} --seed ${seed} --preprocess ${quoted(preprocess.name)}`,
  ].join(" \\\n  ");
}
