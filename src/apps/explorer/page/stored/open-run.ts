import { PushforwardError, plural } from "../../../../base/index.ts";
import { FetchStore } from "../../../../platform/web/fetch-store.ts";
import { FilesStore } from "../../../../platform/web/files-store.ts";
import { openZip } from "../../../../platform/web/zip-store.ts";
import type { Store } from "../../../../results/index.ts";
import type { GivenFile } from "../../engine/index.ts";
import { lookAtAll, notice, show } from "../state.ts";

/**
 * Shows the run below an address of this site.
 *
 * @throws PushforwardError `usage` for an address of another site; and those of the store
 */
export async function openRunAt(address: string): Promise<void> {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) {
    throw new PushforwardError("usage", {
      what: `The run at ${url.origin} is on another site, and this page reads nothing from there.`,
      fix: "Save the run's folder on this computer, and drop it here.",
    });
  }
  await open(new FetchStore(url));
}

const isZip = ({ name }: GivenFile): boolean => /\.zip$/i.test(name);

/** Whether files are those of a stored run, or an archive of one. */
export const isRun = (files: readonly GivenFile[]): boolean =>
  files.some(({ name }) => /(^|\/)zarr\.json$/.test(name)) || (files.length === 1 && isZip(files[0]!));

/**
 * Shows the run in a folder or a ZIP archive that was given to the page.
 *
 * @throws PushforwardError those of the store
 */
export async function openRunIn(files: readonly GivenFile[]): Promise<void> {
  const [first] = files;
  if (first === undefined) return;
  if (isZip(first)) return open(await openZip(asFile(first)));
  const reading = files.map((file) => [file.name, () => bytesOf(file)] as const);
  await open(new FilesStore(first.name.split("/")[0]!, reading));
}

const asFile = ({ name, content }: GivenFile): File => new File([content as Blob], name);

const bytesOf = async (file: GivenFile): Promise<Uint8Array> => new Uint8Array(await asFile(file).arrayBuffer());

async function open(store: Store): Promise<void> {
  notice.value = { kind: "busy", text: "Reading the run." };
  const { openStoredRun } = await import("./stored-run.ts");
  const run = await openStoredRun(store);
  show(run);
  const { network, pictures } = run;
  const text = `A stored run is shown: ${network.name} with ${plural(pictures.length, "picture")}. To compute more, open its network and pictures.`;
  notice.value = { kind: "ready", text };
  await lookAtAll(run);
}
