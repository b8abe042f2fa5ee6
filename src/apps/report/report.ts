import {
  byDepthFigure,
  type Figure,
  type Gallery,
  galleryFigure,
  type Picture,
  pictureDefinition,
  spectraFigure,
} from "../../figures/index.ts";
import type { RunManifest } from "../../results/index.ts";
import { type CollectedRun, collectRun, type PictureSides } from "./collect.ts";
import { downloadsOf } from "./downloads.ts";
import { drawingDocument } from "./figures.ts";
import { Html, html } from "./html.ts";
import { howToRead, incompleteNotice, networkName, summarySentences, whatIsClaimed } from "./prose.ts";
import { provenance } from "./provenance.ts";
import { responsive, widths } from "./responsive.ts";
import type { RunReader } from "./run-reader.ts";
import { style } from "./style.ts";
import { inputsTable, missedTable, tapsTable } from "./tables.ts";

export interface ReportOptions {
  /** The command that made the run, for the provenance. If it is not given, an equivalent command is composed. */
  readonly command?: string;
}

const vectorBytes = 1.9e6;

/**
 * Renders a run, finished or not, as one HTML page that loads nothing and runs no script.
 *
 * It contains the spectra, the singular vectors as pictures (smaller if there are many, so that 16 inputs at 20 taps stay below
 * 5 MB), tables, provenance, and the numbers as files to save. If the run is incomplete, a box at the top says what is missing.
 *
 * @throws PushforwardError what the store throws
 */
export async function renderReport(run: RunReader, { command }: ReportOptions = {}): Promise<string> {
  const data = await collectRun(run, pictureSides(run.manifest));
  const { manifest, taps, galleries } = data;
  const document = drawingDocument();
  const from = manifest.from.name;
  const draw = (figure: (width: number) => Figure) => responsive(figure(widths.wide), figure(widths.narrow));
  const title = `Jacobian spectra of ${networkName(manifest.model)}`;
  const pictures = pictureIds(galleries);
  const onCpu = [...new Set(taps.flatMap(({ units }) => units.flatMap(({ unit }) => unit.onCpu ?? [])))];
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${new Html(style)}</style></head><body>${definitions(pictures)}<main>
<header><h1>${title}</h1><p class="soft">${manifest.created.slice(0, 10)} · Pushforward ${manifest.versions.pushforward ?? "(version unknown)"}
· k = ${manifest.k} · ${manifest.backend}</p></header>
<p class="lead">${summarySentences(data).join(" ")}</p>${incompleteNotice(data)}
<section><h2>Singular values by tap</h2>${draw((width) => spectraFigure(taps, { document, from, width }))}</section>
<section><h2>By depth</h2>${draw((width) => byDepthFigure(taps, { document, width, unit: manifest.preprocess.unit }))}${tapsTable(data)}
<p class="soft">Ranks, participation ratio and the share of σ &gt; 1 refer to the k computed where the spectrum is not whole
(“all” under k: it is). Orthogonality gap: max |UUᵀ − I|, |VVᵀ − I|.</p></section>
<section><h2>What is certified, and what is not</h2>${whatIsClaimed(manifest)}${missedTable(data)}</section>
<section><h2>Singular vectors</h2>${gallerySection(galleries, pictures)}</section>
<section><h2>Inputs</h2>${inputsTable(data)}</section>
<section><h2>How to read this</h2>${howToRead(manifest)}</section>
<section><h2>Provenance</h2>${provenance(manifest, command, onCpu)}</section>
<section class="downloads"><h2>The numbers</h2><ul>${downloadLinks(data)}</ul></section>
</main></body></html>
`;
  return page.markup;
}

/** Sizes at which all pictures of a run together take about `vectorBytes`, with about one byte of text for each pixel. */
function pictureSides({ inputs, taps }: RunManifest): PictureSides {
  /** With details, which have half the sides; opacities that go with roots compress less well. */
  const count = Math.max(1, 4.5 * inputs.length * taps.length);
  return {
    input: Math.max(32, Math.min(96, Math.floor(Math.sqrt(5e5 / 4 / Math.max(1, inputs.length))))),
    vector: Math.max(24, Math.min(112, Math.floor(Math.sqrt(vectorBytes / count)))),
  };
}

/** An id for each picture of the page. The picture of an input has one id, even if several taps show it. */
function pictureIds(galleries: readonly Gallery[]): Map<Picture, string> {
  const ids = new Map<Picture, string>();
  for (const { source, largest, smallest } of galleries.flatMap(({ columns }) => columns)) {
    for (const picture of [source, ...[largest, smallest].flatMap((v) => [v?.picture, v?.detail?.picture])]) {
      if (picture !== undefined && !ids.has(picture)) ids.set(picture, `picture-${ids.size}`);
    }
  }
  return ids;
}

function definitions(pictures: ReadonlyMap<Picture, string>): Html {
  const images = [...pictures].map(([picture, id]) => pictureDefinition(picture, id));
  return new Html(
    `<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>${images.join("")}</defs></svg>`,
  );
}

function gallerySection(galleries: readonly Gallery[], pictures: ReadonlyMap<Picture, string>): Html {
  if (galleries.length === 0) return html`<p>This run stores no singular vectors with σ above the floor.</p>`;
  const sharedId = (picture: Picture) => pictures.get(picture);
  return html`<p class="soft">There is one gallery for each tap, from the first to the last. Open a gallery to see it; only open galleries appear in print.</p>${galleries.map(
    (gallery, i) => {
      const [wide, narrow] = [widths.wide, widths.narrow].map((width) => galleryFigure(gallery, { width, sharedId }));
      const open = new Html(i === galleries.length - 1 ? " open" : "");
      return html`<details${open}><summary>${gallery.tap}</summary>${responsive(wide as Figure, narrow as Figure)}</details>`;
    },
  )}`;
}

function downloadLinks(data: CollectedRun): Html[] {
  return downloadsOf(data).map(
    ({ name, href, what }) => html`<li><a download="${name}" href="${new Html(href)}">${name}</a>: ${what}</li>`,
  );
}
