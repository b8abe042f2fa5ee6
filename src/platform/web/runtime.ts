import * as ort from "onnxruntime-web/wasm";
import { messageOf, PushforwardError } from "../../base/index.ts";
import { buildModel, node, valueInfo, writeModel } from "../../onnx/index.ts";
import type { Ort } from "../ort/ort.ts";

/** Where the two files of ONNX Runtime lie: a folder, or the address of each. */
type WasmPaths = string | { readonly mjs: string | URL; readonly wasm: string | URL };

export interface RuntimeOptions {
  /**
   * The threads for one product. By default, and at most, one for each core. More than one needs a page that is cross-origin isolated;
   * elsewhere one computes.
   */
  readonly threads?: number;
  /** `ort/` beside the page, or beside the script of the worker, unless given. */
  readonly wasmPaths?: WasmPaths;
  /** The module of ONNX Runtime to use in place of `onnxruntime-web/wasm`: `onnxruntime-web/webgpu` for the device `webgpu`. */
  readonly ort?: object;
}

/** ONNX Runtime in this page or worker, loaded. */
export interface Runtime {
  readonly ort: Ort;
  /** Name and version. */
  readonly name: string;
  /** What a user should know of it. */
  readonly note?: string;
}

type WebOrt = typeof ort;

const loaded = new Map<WebOrt, { settings: string; runtime: Promise<Runtime> }>();

/**
 * Loads ONNX Runtime, once in a page or worker: later calls must ask for the same.
 *
 * @throws PushforwardError `usage` for other settings than those of the first call, or if `threads` is not a whole number of at least 1;
 * `backend-failed` where the files of ONNX Runtime cannot be loaded
 */
export async function loadRuntime(options: RuntimeOptions): Promise<Runtime> {
  const module = (options.ort ?? ort) as WebOrt;
  const wanted = threadsOf(options.threads);
  const threads = globalThis.crossOriginIsolated ? wanted : 1;
  const note = threads < wanted ? { note: NOT_ISOLATED } : {};
  const paths = addressesOf(options.wasmPaths ?? "ort/", module === ort ? "" : ".asyncify");
  const settings = JSON.stringify([threads, paths]);
  const known = loaded.get(module) ?? { settings, runtime: load(module, threads, paths) };
  loaded.set(module, known);
  if (known.settings === settings) return { ...(await known.runtime), ...note };
  throw new PushforwardError("usage", {
    what: "ONNX Runtime is loaded already, with other threads or from another place.",
    where: { option: "threads, wasmPaths" },
    fix: "Give the same settings each time, or use another worker.",
  });
}

async function load(module: WebOrt, threads: number, paths: { mjs: string; wasm: string }): Promise<Runtime> {
  const { env, InferenceSession } = module;
  env.logLevel = "fatal"; // What goes wrong is told by errors, in words.
  env.wasm.numThreads = threads;
  // Without addresses of its own, the runtime would start its threads with the script that contains it, which is that of the page.
  env.wasm.wasmPaths = paths;
  try {
    const session = await InferenceSession.create(smallest(), { executionProviders: ["wasm"], logSeverityLevel: 4 });
    await session.release();
  } catch (cause) {
    throw new PushforwardError("backend-failed", {
      what: `ONNX Runtime does not start from ${paths.mjs} (${messageOf(cause)}).`,
      fix:
        "Copy ort-wasm-simd-threaded.mjs and ort-wasm-simd-threaded.wasm from node_modules/onnxruntime-web/dist to a folder of the site, " +
        "and give its address as wasmPaths. A content security policy must allow script-src 'wasm-unsafe-eval' and worker-src 'self'.",
      cause,
    });
  }
  return { ort: module as unknown as Ort, name: `onnxruntime-web ${env.versions.web ?? env.versions.common}` };
}

/** A model whose session shows that the runtime works. */
const smallest = (): Uint8Array =>
  writeModel(
    buildModel({
      inputs: [valueInfo("x", "float32", [1])],
      outputs: [valueInfo("y", "float32", [1])],
      initializers: new Map(),
      nodes: [node({ op: "Identity", inputs: ["x"], outputs: ["y"] })],
    }),
  );

function addressesOf(paths: WasmPaths, kind: string): { mjs: string; wasm: string } {
  const here = globalThis.document?.baseURI ?? globalThis.location.href;
  const address = (path: string | URL): string => new URL(path, here).href;
  if (typeof paths === "object") return { mjs: address(paths.mjs), wasm: address(paths.wasm) };
  const folder = address(paths.endsWith("/") ? paths : `${paths}/`);
  const file = `${folder}ort-wasm-simd-threaded${kind}`;
  return { mjs: `${file}.mjs`, wasm: `${file}.wasm` };
}

const NOT_ISOLATED =
  "One thread computes, because this page is not isolated from other sites. For more, let the server send the headers " +
  '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp".';

function threadsOf(asked: number | undefined): number {
  if (asked !== undefined && !(Number.isSafeInteger(asked) && asked >= 1)) {
    throw new PushforwardError("usage", {
      what: `threads is ${asked}, but must be a whole number of at least 1.`,
      fix: "Leave it out for all cores.",
    });
  }
  const cores = globalThis.navigator.hardwareConcurrency || 1;
  return Math.min(asked ?? cores, cores);
}
