import type { Key, Store } from "./store.ts";

/** A file that a run is computed from. */
export interface SubjectFile {
  /** Its path from the folder that the model is in, or its name. */
  readonly name: string;
  readonly sha256: string;
}

/** The files that a run is computed from, but for its inputs, whose hashes are in the manifest. */
export interface SubjectFiles {
  /** The model, and then the external data that it reads. */
  readonly model: readonly [SubjectFile, ...SubjectFile[]];
  /** The arrays at which inputs of the network are held, by the names of the inputs. */
  readonly given: Readonly<Record<string, SubjectFile>>;
  /** The mean picture of the preprocessing, if it has one. */
  readonly mean?: SubjectFile;
}

const FOLDER = "/subject";
const INDEX = `${FOLDER}/files.json`;

/** Under which key a store keeps a file, by the hash of its content. */
export const subjectKey = (sha256: string): Key => `${FOLDER}/${sha256}`;

/** Stores which files a run is computed from. */
export const writeSubjectFiles = (store: Store, files: SubjectFiles): Promise<void> =>
  store.set(INDEX, new TextEncoder().encode(`${JSON.stringify(files, undefined, 2)}\n`));

/** The files that a run is computed from; undefined if it was not enqueued. */
export async function readSubjectFiles(store: Store): Promise<SubjectFiles | undefined> {
  const bytes = await store.get(INDEX);
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as SubjectFiles); // written by `writeSubjectFiles`
}
