import { copyFile, link, mkdir, rename } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { type InputRecord, readSubjectFiles, type Store, type SubjectFile, subjectKey } from "../../results/index.ts";
import { sha256Of } from "../node/model-identity.ts";
import { readBytes } from "../node/open-model.ts";

/** The files of a run on this machine, but for its inputs. */
export interface LocalFiles {
  readonly model: string;
  /** The arrays at which inputs of the network are held, by the names of the inputs. */
  readonly input: ReadonlyMap<string, string>;
  readonly mean?: string;
}

/** Brings the files of a run from its store into a folder. Files that the machine has already are taken from where they are. */
export class SubjectFetcher {
  readonly #store: Store;
  readonly #folder: DirectoryStore;
  readonly #known: ReadonlyMap<string, string>;

  /** @param known the files that the machine has, by the hashes of their content */
  constructor(store: Store, folder: string, known: ReadonlyMap<string, string>) {
    this.#store = store;
    this.#folder = new DirectoryStore(folder);
    this.#known = known;
  }

  /** @throws PushforwardError `store-mismatch` if the run was not enqueued; and as `input` */
  async files(): Promise<LocalFiles> {
    const files = await readSubjectFiles(this.#store);
    if (files === undefined) {
      throw new PushforwardError("store-mismatch", {
        what: "The store does not say from which files its run is computed, as one does that was enqueued.",
        where: { file: this.#store.location },
        fix: "Give the command that enqueued the run once more.",
      });
    }
    const [model] = await Promise.all(files.model.map((file) => this.#bring(file, join("model", file.name))));
    const given = await Promise.all(
      Object.entries(files.given).map(
        async ([name, file]) => [name, await this.#bring(file, join("given", `${file.sha256}.npy`))] as const,
      ),
    );
    const mean = files.mean && (await this.#bring(files.mean, join("mean", `${files.mean.sha256}.npy`)));
    return { model: model!, input: new Map(given), ...(mean && { mean }) };
  }

  /** @throws PushforwardError `file-unreadable` if the store does not have the file; `store-mismatch` if it is another by now */
  input({ name, file, sha256 }: InputRecord): Promise<string> {
    return this.#bring({ name, sha256 }, join("inputs", `${sha256}${extname(file)}`));
  }

  /** Returns where the file lies, below the folder. */
  async #bring({ name, sha256 }: SubjectFile, place: string): Promise<string> {
    const [key, target] = [`/${place}` as const, join(this.#folder.location, place)];
    if (await this.#folder.has(key)) return target;
    const known = this.#known.get(sha256);
    if (known !== undefined) {
      const unfinished = `${target}.${process.pid}`;
      await mkdir(dirname(target), { recursive: true });
      await link(known, unfinished).catch(() => copyFile(known, unfinished));
      await rename(unfinished, target);
      return target;
    }
    const bytes = await this.#store.get(subjectKey(sha256));
    const from = `${this.#store.location}${subjectKey(sha256)}`;
    if (bytes === undefined) {
      throw new PushforwardError("file-unreadable", {
        what: `The store does not have the file ${name}.`,
        where: { file: from },
        fix: `Give workers the file, --map ${sha256}=FILE, or enqueue the run once more without --no-copy.`,
      });
    }
    if (sha256Of(bytes) !== sha256) {
      throw new PushforwardError("store-mismatch", {
        what: `The file ${name} has another content than the run was enqueued with.`,
        where: { file: from },
        fix: "Remove it from the store, and enqueue the run once more.",
      });
    }
    await this.#folder.set(key, bytes);
    return target;
  }
}

/**
 * The files that a machine has, by the hashes of their content.
 *
 * @throws PushforwardError `file-unreadable`; `usage` if a file has another content than is said
 */
export async function checkKnown(files: ReadonlyMap<string, string>): Promise<void> {
  for (const [sha256, file] of files) {
    const found = sha256Of(await readBytes(file));
    if (found === sha256) continue;
    throw new PushforwardError("usage", {
      what: `The file has another content than is said: its hash is ${found}.`,
      where: { file, option: "--map" },
      fix: "Give the hash of its content before the `=`, as `sha256sum` prints it.",
    });
  }
}
