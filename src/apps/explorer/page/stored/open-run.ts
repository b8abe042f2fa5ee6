import { PushforwardError } from "../../../../base/index.ts";
import { FetchStore } from "../../../../platform/web/fetch-store.ts";
import { FilesStore } from "../../../../platform/web/files-store.ts";
import { readSource } from "../../../../platform/web/read-source.ts";
import { openZip } from "../../../../platform/web/zip-store.ts";
import type { Store } from "../../../../results/index.ts";
import type { GivenFile } from "../../engine/index.ts";

/**
 * The folder at an address of this site, as a store. Most chunks of a run need not be there; `pushforward view` is asked to say so
 * without an error.
 *
 * @throws PushforwardError `usage` for an address of another site, or none
 */
export function storeAt(address: string): Store {
  const url = URL.canParse(address, location.href) ? new URL(address, location.href) : undefined;
  if (url === undefined || url.origin !== location.origin) {
    throw new PushforwardError("usage", {
      what: `The run at ${url?.origin ?? `"${address}"`} is on another site, and this page reads nothing from there.`,
      fix: "Save the run's folder on this computer, and drop it here.",
    });
  }
  return new FetchStore(url, { "x-absent-chunk": "204" });
}

const isZip = ({ name }: GivenFile): boolean => /\.zip$/i.test(name);

/** Whether files are those of a stored run or training, or an archive of one. */
export const isStore = (files: readonly GivenFile[]): boolean =>
  files.some(({ name }) => /(^|\/)zarr\.json$/.test(name)) || (files.length === 1 && isZip(files[0]!));

/**
 * The folder or ZIP archive that was given to the page, as a store.
 *
 * @throws PushforwardError `file-unreadable` if it is no ZIP archive
 */
export async function storeIn(files: readonly GivenFile[]): Promise<Store> {
  const [first] = files;
  if (isZip(first!)) return openZip(asFile(first!));
  const reading = files.map((file) => [file.name, () => readSource(asFile(file))] as const);
  return new FilesStore(first!.name.split("/")[0]!, reading);
}

const asFile = ({ name, content }: GivenFile): File => new File([content as Blob], name);
