import { basename, dirname, resolve } from "node:path";
import {
  type RunManifest,
  readSubjectFiles,
  type Store,
  type SubjectFile,
  subjectKey,
  writeSubjectFiles,
} from "../../results/index.ts";
import { isPresetFile, meanOfRun } from "../node/choose-preset.ts";
import { isArrayFile } from "../node/load-input.ts";
import { sha256Of } from "../node/model-identity.ts";
import { modelFiles, readBytes } from "../node/open-model.ts";
import { eachAtOnce } from "./at-once.ts";

/** Where the files of a run are on this machine. */
export interface SubjectPaths {
  readonly input?: ReadonlyMap<string, string>;
  readonly preprocess?: string;
}

/**
 * Copies the model and the inputs of a run into its store, by the hashes of their content, so that workers need nothing but the store. What it
 * has already is not copied again.
 *
 * @param copies whether the files are copied, and not only named: then workers have to be given them
 * @throws PushforwardError `file-unreadable`, `store-unwritable`, and errors of `modelFiles`
 */
export async function copySubject(
  store: Store,
  { model: { file }, inputs, preprocess }: RunManifest,
  paths: SubjectPaths,
  copies: boolean,
): Promise<void> {
  const keep = async (name: string, path: string): Promise<SubjectFile> => {
    const bytes = await readBytes(path);
    const sha256 = sha256Of(bytes);
    if (copies && !(await store.has(subjectKey(sha256)))) await store.create(subjectKey(sha256), bytes);
    return { name, sha256 };
  };
  const [own, ...others] = await modelFiles(file);
  const model: [SubjectFile, ...SubjectFile[]] = [await keep(own!.name, own!.path)];
  for (const { name, path } of others) model.push(await keep(name, path));
  const given: Record<string, SubjectFile> = {};
  for (const [name, value] of paths.input ?? []) {
    if (isArrayFile(value)) given[name] = await keep(basename(value), value);
  }
  const mean = meanOfRun(preprocess);
  const folder = paths.preprocess !== undefined && isPresetFile(paths.preprocess) ? dirname(paths.preprocess) : ".";
  const files = { model, given, ...(mean && { mean: await keep(basename(mean), resolve(folder, mean)) }) };
  if (JSON.stringify(await readSubjectFiles(store)) !== JSON.stringify(files)) await writeSubjectFiles(store, files);
  if (!copies) return;
  await eachAtOnce(inputs, async ({ file: path, sha256 }) => {
    if (sha256 !== "" && !(await store.has(subjectKey(sha256)))) await keep(basename(path), path);
  });
}
