import { sha256Of } from "../../../base/index.ts";
import { createWebBackend } from "../../../platform/web/backend.ts";
import { breathe } from "../../../platform/web/breathe.ts";
import { imageDecoder } from "../../../platform/web/image-decoder.ts";
import { throughJpeg } from "../../../platform/web/through-jpeg.ts";
import { openModel } from "../../web/index.ts";
import { type EnginePort, serveEngine } from "./engine.ts";
import type { FromEngine, GivenFile } from "./protocol.ts";

/** The files of ONNX Runtime lie in `ort/` of the site, and this script in the site or in a folder of it. */
const wasmPaths = new URL("../ort/", location.href).href;

/** A file with its name, for messages. Browsers copy no bytes of a file that a user chose. */
function named({ name, content }: GivenFile): File {
  return new File([content as Uint8Array<ArrayBuffer> | Blob], name);
}

// The end of a worker is no event, but the end of a lock that it holds is noticed. Only pages over https and on localhost have locks.
if ("locks" in navigator) {
  const lock = `engine ${crypto.randomUUID()}`;
  void navigator.locks.request(lock, () => {
    postMessage({ lock } satisfies FromEngine);
    return new Promise(() => {});
  });
}

serveEngine(globalThis as unknown as EnginePort, {
  openNetwork(model, beside, { inputShape, quantized }) {
    return openModel(named(model), {
      wasmPaths,
      beside: Object.fromEntries(beside.map((file) => [file.name, named(file)])),
      ...(inputShape && { inputShape }),
      ...(quantized && { quantized }),
    });
  },
  openBackend: () => createWebBackend({ wasmPaths }),
  decoder: imageDecoder,
  throughJpeg,
  sha256: sha256Of,
  pause: breathe,
});
