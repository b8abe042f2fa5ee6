import { join } from "node:path";
import { exitCodes, plural } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { createStudyRun, type StudyManifest } from "../../results/index.ts";
import { cellName, cellPlaces, type Lab, reasonOf, runStudy, type Study } from "../../studies/index.ts";
import { interruptible } from "./interruptible.ts";
import { Progress } from "./progress.ts";

/**
 * Measures the cells of a study that are not stored yet. If cells fail, or lack a part, the exit code says so at the end. `control` names the control
 * that is measured, if it is one.
 *
 * @throws PushforwardError errors of `createStudyRun` and `runStudy`
 */
export async function measureStudy(
  study: Study,
  lab: Lab,
  manifest: StudyManifest,
  folder: string,
  control?: string,
): Promise<void> {
  const stored = await createStudyRun(new DirectoryStore(join(folder, study.id)), manifest);
  const progress = new Progress(cellPlaces(manifest).map(() => 1));
  const name = control === undefined ? study.id : `${control}: ${study.id}`;
  let failed = 0;
  try {
    await interruptible((signal) =>
      runStudy(study, stored, lab, {
        signal,
        onCell: (names) => progress.finish(`${name}: ${names}`),
        onFailure: (names, cause) => {
          failed++;
          progress.finish(`${name}: ${names} failed: ${reasonOf(cause).replace(/\.$/, "")}`);
        },
      }),
    );
  } finally {
    progress.end();
  }
  const of = `of the study ${study.id}${control === undefined ? "" : ` of the control ${control}`}`;
  const partial = stored.failures.filter(({ cell }) => stored.isDone(cell));
  for (const { cell, why } of partial) process.stderr.write(`error: ${name}: ${cellName(manifest, cell)}: ${why}\n`);
  if (partial.length > 0) {
    process.stderr.write(
      `error: ${plural(partial.length, "cell")} ${of} ${partial.length === 1 ? "lacks" : "lack"} a part, whose numbers are NaN; the others are stored\n`,
    );
  }
  if (failed > 0) {
    process.stderr.write(`error: ${plural(failed, "cell")} ${of} failed; the same command tries again\n`);
  }
  if (failed + partial.length > 0) process.exitCode = exitCodes["not-finite"];
}
