import { join } from "node:path";
import { exitCodes, plural } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { createStudyRun, openStudyRun, type StudyManifest } from "../../results/index.ts";
import {
  cellName,
  cellPlaces,
  isOfShard,
  type Lab,
  reasonOf,
  runStudy,
  type Shard,
  type Study,
} from "../../studies/index.ts";
import { interruptible } from "./interruptible.ts";
import { Progress } from "./progress.ts";

/**
 * Measures the cells of a study that are not stored yet. If cells fail, or lack a part, the exit code says so at the end. `control` names the control
 * that is measured, if it is one.
 *
 * @returns how many cells of other shards are neither stored nor failed
 * @throws PushforwardError errors of `createStudyRun` and `runStudy`
 */
export async function measureStudy(
  study: Study,
  lab: Lab,
  manifest: StudyManifest,
  { folder, shard, control }: { readonly folder: string; readonly shard: Shard; readonly control?: string | undefined },
): Promise<number> {
  const store = new DirectoryStore(join(folder, study.id));
  const stored = await createStudyRun(store, manifest);
  const isMine = (_: unknown, cell: number) => isOfShard(shard, cell);
  const progress = new Progress(
    cellPlaces(manifest)
      .filter(isMine)
      .map(() => 1),
  );
  const name = control === undefined ? study.id : `${control}: ${study.id}`;
  let failed = 0;
  try {
    await interruptible((signal) =>
      runStudy(study, stored, lab, {
        ...{ signal, shard },
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
  if (shard.count === 1) return 0;
  const now = await openStudyRun(store);
  const failures = new Set(now.failures.map(({ cell }) => cell.join()));
  const isOpen = (place: readonly number[]) => !now.isDone(place) && !failures.has(place.join());
  return cellPlaces(manifest).filter((place, cell) => !isMine(place, cell) && isOpen(place)).length;
}
