import { formatNumber, formatShape, quoted } from "../../base/index.ts";
import { controlName, describeGiven, type RunManifest, type StudyManifest } from "../../results/index.ts";
import { type Html, html } from "./html.ts";
import { baseName } from "./prose.ts";

const longestSettings = 600;

/** The provenance of the numbers on the page. `onCpu` lists what the device left to the CPU. */
export function provenance(manifest: RunManifest, command: string | undefined, onCpu: readonly string[]): Html {
  const rows: Row[] = [
    ["Model", modelOf(manifest)],
    ["Source", sourceOf(manifest)],
    ...heldInputs(manifest),
    ...preprocessing(manifest),
    ["Settings", `k = ${manifest.k}, tolerance ${formatNumber(manifest.tol)}, seed ${manifest.seed}`],
    [
      "Vectors stored",
      manifest.vectors === "all" ? "all" : `the first and the last ${manifest.vectors} of each spectrum`,
    ],
    ["Solver", manifest.solver],
    ["Backend", manifest.backend],
    ...(onCpu.length === 0
      ? []
      : [["Computed on the CPU instead", html`${onCpu.map((one) => html`${one}<br>`)}`] as const]),
    ["Versions", versionsOf(manifest)],
    ["Started", manifest.created],
    ["Store format", `${manifest.format} ${manifest.formatVersion}`],
  ];
  const asked = command === undefined ? "An equivalent command" : "Command";
  return html`${listOf(rows)}
<p class="soft">${asked}:</p><pre><code>${command ?? commandOf(manifest)}</code></pre>`;
}

function sourceOf({ from: { name, tensor, index, shape } }: RunManifest): string {
  const entries = index === undefined ? "" : `, its entries ${index}`;
  return `${name}, ${formatShape(shape)} (tensor ${tensor}${entries})`;
}

/** The provenance of the numbers of studies and of their controls. */
export function studiesProvenance(manifest: StudyManifest, controls: readonly Row[]): Html {
  const { spectra, seed } = manifest;
  const rows: Row[] = [
    ["Model", modelOf(manifest)],
    ...controls,
    ...heldInputs(manifest),
    ...preprocessing(manifest),
    ["Settings", `k = ${spectra.k}, tolerance ${formatNumber(spectra.tol)}, seed ${seed}`],
    ["Backend", manifest.backend],
    ["Versions", versionsOf(manifest)],
    ["Started", manifest.created],
  ];
  return html`<section><h2>Provenance</h2>${listOf(rows)}</section>`;
}

type Row = readonly [string, Html | string];

const listOf = (rows: readonly Row[]): Html =>
  html`<dl>${rows.map(([term, what]) => html`<dt>${term}</dt><dd>${what}</dd>`)}</dl>`;

/** The model, and the control of it that was measured, if it was one. */
function modelOf({ model: { file, sha256, control, quantized } }: Pick<RunManifest, "model">): Html {
  const drawn = control && html`<br>Control: ${controlName(control)}`;
  return html`${file}<br><code>sha256 ${sha256}</code>${drawn}${quantized && html`<br>${straightThrough}`}`;
}

const straightThrough = "Quantized: tangents pass as if nothing were rounded (straight-through).";

/** The inputs of the network that are held at a value. */
const heldInputs = ({ given = [] }: Pick<RunManifest, "given">): Row[] =>
  given.map((one) => [`Input ${one.name}`, html`held at ${describeGiven(one)}<br><code>sha256 ${one.sha256}</code>`]);

function preprocessing({ preprocess }: Pick<RunManifest, "preprocess">): Row[] {
  const settings = JSON.stringify(preprocess.settings);
  const shown = settings.length > longestSettings ? `${settings.slice(0, longestSettings)}…` : settings;
  return [
    ["Preprocessing", html`${preprocess.name}<br><code>${shown}</code>`],
    ["Unit of the source", preprocess.unit],
  ];
}

const versionsOf = ({ versions }: Pick<RunManifest, "versions">): string =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");

/** A command that computes the same. */
export function commandOf({ model, given = [], inputs, taps, from, k, tol, seed, preprocess }: RunManifest): string {
  const files = inputs.map(({ file }) => file);
  const listed = files.length > 4 ? [...files.slice(0, 3).map(quoted), "…"] : files.map(quoted);
  const { control } = model;
  const file = quoted(baseName(model.file));
  const held = given.map(({ name, value }) => `--input ${quoted(`${name}=${value ?? `${name}.npy`}`)}`);
  const rounding = model.quantized === undefined ? [] : [`--quantized ${model.quantized}`];
  const prepared = [...held, ...rounding, `--preprocess ${quoted(preprocess.name)}`].join(" ");
  const drawing =
    control?.draw === undefined
      ? []
      : [
          [
            `pushforward control ${file} ${listed.join(" ")}`,
            `--kind ${control.kind} --draw ${control.draw} --seed ${control.seed} ${prepared} --out control.onnx`,
          ],
        ];
  const spectrum = [
    `pushforward spectrum ${drawing.length === 0 ? file : "control.onnx"} ${listed.join(" ")}`,
    `--taps ${quoted(taps.map(({ name }) => name).join(","))} --from ${quoted(from.name)}`,
    `-k ${k} --tol ${tol} --seed ${seed} ${prepared}`,
  ];
  return [...drawing, spectrum].map((parts) => parts.join(" \\\n  ")).join("\n");
}
