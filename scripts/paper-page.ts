// Writes docs/paper.md from what studies of several networks and their controls found; keeps their tables and verdicts in
// docs/paper/NETWORK: `npm run paper:page -- digits=studies/ squeezenet=some/ squeezenet=others/`. Of several folders for one network,
// later ones replace the studies that they contain. Without folders, the page is written from what is kept.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../test/docs/markdown.ts";
import { paperFigures } from "./paper/figures.ts";
import { paperPage } from "./paper/page.ts";
import { keep, readRecords } from "./paper/records.ts";

for (const given of process.argv.slice(2)) {
  const [, network, folder] = /^([^=]+)=(.+)$/.exec(given) ?? [];
  if (network === undefined || folder === undefined) throw new Error(`"${given}" is not NETWORK=FOLDER.`);
  await keep(network, folder);
}
const records = readRecords();
const figures = paperFigures(records);
for (const { file, svg } of figures) writeFileSync(join(root, "docs", file), svg);
writeFileSync(join(root, "docs/paper.md"), paperPage(records, figures));
