import { join } from "node:path";
import { inputPicture, type Picture } from "../../figures/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openRun, type StudyManifest } from "../../results/index.ts";
import { displaySettings } from "./collect.ts";

/** Pixels of a picture that stands at a point. */
const SIDE = 32;

/**
 * Small pictures of a study's images, by their numbers, from the run of spectra that the studies of a folder share. Without that
 * run there are none.
 *
 * @throws PushforwardError what the store throws
 */
export async function picturesOf(
  folder: string,
  { inputs }: Pick<StudyManifest, "inputs">,
): Promise<(image: number) => Picture | undefined> {
  const store = new DirectoryStore(join(folder, "run"));
  if (!(await store.has("/zarr.json"))) return () => undefined;
  const run = await openRun(store);
  const { from, preprocess, inputs: stored } = run.manifest;
  const settings = displaySettings(preprocess.settings);
  const pictures = new Map<number, Picture>();
  for (const [image, { name, sha256 }] of inputs.entries()) {
    const at = stored.findIndex((input) => input.name === name && input.sha256 === sha256);
    const x = at < 0 ? undefined : await run.readSource(at);
    if (x !== undefined) pictures.set(image, inputPicture(x, from.shape, settings, SIDE));
  }
  return (image) => pictures.get(image);
}
