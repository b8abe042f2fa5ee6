import { messageOf, PushforwardError } from "../../../../base/index.ts";
import { presets } from "../../../../images/index.ts";
import { floatTensor, writeModel } from "../../../../onnx/index.ts";
import { FilesStore } from "../../../../platform/web/files-store.ts";
import { type Key, openTrainingRun, type Store } from "../../../../results/index.ts";
import { inferenceModel, type Recipe } from "../../../../training/index.ts";
import type { GivenFile } from "../../engine/index.ts";

/** A run in a store. */
interface FoundRun {
  readonly name: string;
  readonly store: Store;
}

/** A network that a training stored. */
interface FoundCheckpoint {
  readonly name: string;
  /** The network as an ONNX file, and the preset of its pictures, if the recipe names one. */
  readonly files: () => Promise<readonly GivenFile[]>;
}

export type Found = FoundRun | FoundCheckpoint;

/**
 * The runs, and the checkpoints of trainings, that a store holds: it is one of them itself, or has them in folders.
 *
 * @throws PushforwardError `file-unreadable` if there is none; and those of the store
 */
export async function findInStore(store: Store): Promise<readonly Found[]> {
  const own = await formatAt(store, "/zarr.json");
  if (own === "pushforward-run") return [{ name: nameOf(store.location), store }];
  if (own === "pushforward-training") return checkpointsIn(store, "");
  const roots: Key[] = [];
  const found: Found[] = [];
  const keys: Key[] = [];
  for await (const key of store.list("/")) keys.push(key);
  const metadata = keys.filter((key) => key.endsWith("/zarr.json")).sort((a, b) => a.length - b.length);
  for (const key of metadata) {
    const root = key.slice(0, -"zarr.json".length) as Key;
    if (roots.some((above) => root.startsWith(above))) continue;
    const format = await formatAt(store, key);
    if (format === undefined) continue;
    roots.push(root);
    const name = root.slice(1, -1);
    const inside = keys.filter((inner) => inner.startsWith(root));
    const part = new FilesStore(
      name,
      inside.map((inner) => [inner.slice(root.length), async () => (await store.get(inner))!] as const),
    );
    if (format === "pushforward-run") found.push({ name, store: part });
    if (format === "pushforward-training") found.push(...(await checkpointsIn(part, `${name}, `)));
  }
  if (found.length > 0) return found.sort((a, b) => collator.compare(a.name, b.name));
  throw new PushforwardError("file-unreadable", {
    what: "There is no run and no training here.",
    where: { file: store.location },
    fix: "Give the folder that a command wrote with --out, or a ZIP archive of it.",
  });
}

/** `step 9` comes before `step 10`. */
const collator = new Intl.Collator("en", { numeric: true });

/** The last folder of a path or an address. */
const nameOf = (location: string): string => location.split("/").filter(Boolean).at(-1) ?? location;

/** What the root group below a key says that it is; undefined if there is no group, or one of something else. */
async function formatAt(store: Store, key: Key): Promise<string | undefined> {
  const bytes = await store.get(key);
  if (bytes === undefined) return undefined;
  try {
    const { attributes } = JSON.parse(new TextDecoder().decode(bytes)) as {
      readonly attributes?: { readonly format?: string };
    };
    return attributes?.format;
  } catch (cause) {
    throw new PushforwardError("file-unreadable", {
      what: `This file is not JSON (${messageOf(cause)}).`,
      where: { file: `${store.location}${key}` },
      fix: "Copy the folder again.",
      cause,
    });
  }
}

async function checkpointsIn(store: Store, prefix: string): Promise<FoundCheckpoint[]> {
  const run = await openTrainingRun(store);
  const { checkpoints, weights } = run.manifest;
  const { network, data } = run.manifest.recipe as Recipe;
  const preset = Object.values(presets).find(({ name }) => name === data?.preprocess);
  const beside: readonly GivenFile[] =
    preset === undefined ? [] : [{ name: "preset.json", content: new TextEncoder().encode(JSON.stringify(preset)) }];
  const done = await run.done();
  return checkpoints.flatMap((step, i) => {
    if (!done[i]) return [];
    const files = async (): Promise<readonly GivenFile[]> => {
      const values = (await run.readCheckpoint(i))!;
      const tensors = weights.map(({ name, shape }) => [name, floatTensor(shape, values.get(name)!)] as const);
      return [{ name: `step-${step}.onnx`, content: writeModel(inferenceModel(network, new Map(tensors))) }, ...beside];
    };
    return [{ name: `${prefix}step ${step}`, files }];
  });
}
