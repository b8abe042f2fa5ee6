import { loadInput, openModel, presets } from "../../src/apps/web/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import type { DecodedImage } from "../../src/images/index.ts";
import { createWebBackend } from "../../src/platform/web/backend.ts";
import { FetchStore } from "../../src/platform/web/fetch-store.ts";
import { type FilesStore, storeOfFiles, storeOfFolder } from "../../src/platform/web/files-store.ts";
import { imageDecoder } from "../../src/platform/web/image-decoder.ts";
import { openZip } from "../../src/platform/web/zip-store.ts";
import type { Key, Store } from "../../src/results/index.ts";
import type { Backend } from "../../src/runtime/index.ts";
import { emittedJacobian, interpretOnce } from "../laws/emitted.ts";
import { jacobian64 } from "../laws/jacobian64.ts";
import { adjointGap, relativeDistance } from "../laws/vectors.ts";
import { interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { rows } from "../rows/index.ts";
import { problemOf, to64 } from "../rows/problem.ts";
import { type Row, titleOf } from "../rows/row.ts";
import { type BackendHost, hostOf } from "../support/remote-backend.ts";

/** σ of the example's network at a picture, with their certificates, and what tells the input apart. */
export async function digitSpectrum(to: string) {
  const told: string[] = [];
  const net = await openModel("/digits.onnx", { threads: 2, notice: (text) => told.push(text) });
  const at = await loadInput("/3.png", { ...presets.mnist, scale: 1 / 255 });
  const J = await net.jacobian({ at, from: "image", to });
  const { sigma, certificate } = await J.svd({ k: 10, seed: 1 });
  const { residual, floors, status } = certificate;
  await net.close();
  return {
    told,
    sigma: Array.from(sigma),
    certified: Array.from(sigma, (_, i) => residual[i]! + floors[i]!),
    status,
    input: Array.from(at.data),
    sha256: at.sha256,
    identity: net.identity,
    backend: net.backend.description,
  };
}

/** The same in a worker, whose script calls `digitSpectrum`. */
export function spectrumInWorker(to: string): Promise<unknown> {
  const worker = new Worker("/worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(to);
  });
}

const hosts: BackendHost[] = [];

/** Opens a backend; the number is how it is asked. */
export function openHost(): number {
  hosts.push(hostOf(() => createWebBackend({ threads: 2 })));
  return hosts.length - 1;
}

export const askHost = (host: number, what: keyof BackendHost, args: readonly unknown[]): unknown =>
  (hosts[host]![what] as (...all: readonly unknown[]) => unknown)(...args);

export const decode = (bytes: Uint8Array): Promise<DecodedImage> => imageDecoder.decode(bytes);

/** How long graphs run until a message is heard that was sent at their beginning, in milliseconds; they stop after a second. */
export async function messageHeardAfter(): Promise<number> {
  const backend = await createWebBackend({ threads: 2 });
  const a = backend.algebra.upload(new Float32Array(64 * 2000), 64);
  await backend.algebra.gram(a, a);
  const started = performance.now();
  let heard = Number.POSITIVE_INFINITY;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    heard = performance.now() - started;
  };
  port2.postMessage("cancel");
  while (heard > 1000 && performance.now() - started < 1000) await backend.algebra.gram(a, a);
  port1.close();
  await backend.dispose();
  return heard;
}

/** Opens a model where there are no files of ONNX Runtime, and one that is not there. */
export const openFrom = async (model: string, wasmPaths?: string): Promise<void> => {
  await openModel(model, { threads: 2, ...(wasmPaths === undefined ? {} : { wasmPaths }) });
};

const stores: Store[] = [];
const opened = (store: Store): number => stores.push(store) - 1;

export const openFetchStore = (path: string): number => opened(new FetchStore(new URL(path, location.href)));
export const openZipStore = async (bytes: Uint8Array): Promise<number> => opened(await openZip(bytes));

/** The files of a folder as a page is given them by `<input webkitdirectory>`. */
export function openFileStore(files: Readonly<Record<string, Uint8Array>>): number {
  const list = Object.entries(files).map(([path, bytes]) => {
    const file = new File([bytes as Uint8Array<ArrayBuffer>], path.split("/").at(-1)!);
    return Object.defineProperty(file, "webkitRelativePath", { value: `run${path}` });
  });
  return opened(storeOfFiles(list));
}

/** A folder of the browser's own file system, behind a handle as a dropped folder is. */
export async function openFolderStore(files: Readonly<Record<string, Uint8Array>>): Promise<number> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(`run-${stores.length}`, { create: true });
  for (const [path, bytes] of Object.entries(files)) {
    const names = path.slice(1).split("/");
    let within = folder;
    for (const name of names.slice(0, -1)) within = await within.getDirectoryHandle(name, { create: true });
    const writer = await (await within.getFileHandle(names.at(-1)!, { create: true })).createWritable();
    await writer.write(bytes as Uint8Array<ArrayBuffer>);
    await writer.close();
  }
  return opened((await storeOfFolder(folder)) satisfies FilesStore);
}

export async function askStore(
  store: number,
  what: "get" | "has" | "list" | "set" | "create" | "delete",
  key: Key,
): Promise<unknown> {
  const asked = stores[store]!;
  if (what === "set" || what === "create") return asked[what](key, new Uint8Array(1));
  if (what !== "list") return asked[what](key);
  const keys: Key[] = [];
  for await (const found of asked.list(key)) keys.push(found);
  return keys;
}

/** How far what this browser computes of a row lies from float64, and Jᵀ from the transpose of J; relative. */
export interface RowGaps {
  readonly title: string;
  readonly pass: number;
  readonly forward: number;
  readonly adjoint: number;
}

/** The pass, J and Jᵀ of all rows of operators. */
export async function rowsInBrowser(): Promise<
  readonly (RowGaps | { readonly title: string; readonly failure: string })[]
> {
  const backend = await createWebBackend({ threads: 2 });
  const verdicts = [];
  for (const row of rows) {
    const title = titleOf(row);
    verdicts.push(await gapsOf(row, backend).catch((cause: unknown) => ({ title, failure: String(cause) })));
  }
  await backend.dispose();
  return verdicts;
}

async function gapsOf(row: Row, backend: Backend): Promise<RowGaps> {
  const problem = problemOf(row);
  const J = await emittedJacobian(backend, problem, row.withoutForward === undefined ? undefined : interpretOnce);
  const values = interpret(problem.model.onnx.graph, to64(problem.point));
  const pass = [...J.outputs].map(([name, actual]) =>
    relativeDistance(fromTensor(actual).data, values.get(name)!.data),
  );
  const moving = problem.targets.filter((_, i) => J.linearization.program.targets[i] !== undefined);
  const exact = await jacobian64({ ...problem, targets: moving });
  const K = 2;
  const [v, u] = [gaussianArray(createRng("v"), K * J.n), gaussianArray(createRng("u"), K * J.m)];
  const [Jv, Jtu] = [await J.jvp(v, K), await J.vjp(u, K)];
  const expected = [0, 1].flatMap((k) => [...exact.jvp(Float64Array.from(v.subarray(k * J.n, (k + 1) * J.n)))]);
  await J.release();
  return {
    title: titleOf(row),
    pass: Math.max(...pass),
    forward: relativeDistance(Jv, Float64Array.from(expected)),
    adjoint: adjointGap(u, Jv, Jtu, v),
  };
}
