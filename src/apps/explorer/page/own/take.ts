import { signal } from "@preact/signals";
import { PushforwardError, plural } from "../../../../base/index.ts";
import { FetchStore } from "../../../../platform/web/fetch-store.ts";
import type { Store } from "../../../../results/index.ts";
import type { GivenFile } from "../../engine/index.ts";
import { follow } from "../live/follow.ts";
import { lookAtAll, show, tell } from "../state.ts";
import { isStore, storeAt, storeIn } from "../stored/open-run.ts";
import { addPictures, openNetwork, usePictures } from "./computing.ts";
import { busy } from "./work.ts";

/** A run, a checkpoint or a network among several that were given together. */
interface Offer {
  readonly name: string;
  readonly open: () => Promise<void>;
}

/** What was given together last, if it is more than one, and which of it is shown. */
export const offers = signal<readonly Offer[]>([]);
export const taken = signal(0);

const isNetwork = ({ name }: GivenFile): boolean => /\.(onnx|prototxt)$/i.test(name);
const isOfNetwork = (file: GivenFile): boolean => isNetwork(file) || /\.(caffemodel|data|json)$/i.test(file.name);

/** Files that were chosen as a network: of several ONNX files, or networks of Caffe, one is opened. */
export const takeNetwork = (files: readonly GivenFile[]): Promise<void> =>
  files.some(isNetwork) ? takeFiles(files) : openNetwork(files);

/** Files that were dropped: runs and trainings are shown, an ONNX file or a pair of Caffe opens a network, and all others are pictures. */
export async function takeFiles(files: readonly GivenFile[]): Promise<void> {
  const networks = files.filter(isNetwork);
  if (networks.length === 0 && isStore(files)) return takeStores(async () => [await storeIn(files)]);
  const hasNetwork = files.some(({ name }) => /\.(onnx|prototxt|caffemodel)$/i.test(name));
  const ofNetwork = hasNetwork ? files.filter(isOfNetwork) : [];
  const pictures = files.filter((file) => !ofNetwork.includes(file));
  if (!hasNetwork) return addPictures(pictures);
  if (pictures.length > 0) usePictures(pictures);
  if (networks.length === 0) return openNetwork(ofNetwork);
  const beside = ofNetwork.filter((file) => !isNetwork(file));
  await offer(networks.map((network) => ({ name: network.name, open: () => openNetwork([network, ...beside]) })));
}

/** Shows the runs and trainings at addresses of this site. */
export const takeAddresses = (addresses: readonly string[]): Promise<void> =>
  takeStores(() =>
    Promise.all(
      addresses.map(async (address) => {
        const store = storeAt(address);
        if (await store.has("/zarr.json")) return store;
        throw new PushforwardError("file-unreadable", {
          what: "There is no run and no training at this address.",
          where: { file: store.location },
          fix: "Give the address of a folder that a command wrote with --out.",
        });
      }),
    ),
  );

/** Shows the last of what some stores hold: of a training, the network at its end. */
async function takeStores(open: () => Promise<readonly Store[]>): Promise<void> {
  const found: Offer[] = [];
  await busy("Reading what is stored.", async () => {
    const { findInStore } = await import("../stored/find-in-store.ts");
    for (const store of await open()) {
      for (const one of await findInStore(store)) {
        const { name } = one;
        const show = "store" in one ? () => showRun(name, one.store) : async () => openNetwork(await one.files());
        found.push({ name, open: show });
      }
    }
    return found.length === 1 ? "" : `${found.length} are stored here. Choose one.`;
  });
  if (found.length > 0) await offer(found);
}

/** Opens the last of several, and has the user choose among them. */
async function offer(all: readonly Offer[]): Promise<void> {
  offers.value = all.length > 1 ? all : [];
  taken.value = all.length - 1;
  await all.at(-1)!.open();
}

/** Opens another one of those that were given together. */
export function takeOther(index: number): void {
  taken.value = index;
  offers.value[index]!.open().catch(tell);
}

async function showRun(place: string, store: Store): Promise<void> {
  await busy("Reading the run.", async () => {
    const { openStoredRun } = await import("../stored/stored-run.ts");
    const open = () => openStoredRun(store, place);
    const run = await open();
    show(run.subject);
    lookAtAll(run.subject).catch(tell);
    if (store instanceof FetchStore) follow(store.location, run, open).catch(tell);
    const { network, pictures } = run.subject;
    return `A stored run is shown: ${network.name} with ${plural(pictures.length, "picture")}. To compute more, open its network and pictures.`;
  });
}
