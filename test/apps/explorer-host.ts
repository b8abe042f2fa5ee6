import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineClient, type EngineState, type EngineWorker } from "../../src/apps/explorer/engine/client.ts";
import { type EnginePort, serveEngine } from "../../src/apps/explorer/engine/engine.ts";
import type { EngineHost } from "../../src/apps/explorer/engine/host.ts";
import type { FromEngine, GivenFile, ToEngine } from "../../src/apps/explorer/engine/protocol.ts";
import { readGiven } from "../../src/apps/explorer/engine/read-given.ts";
import { openModel } from "../../src/apps/node/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { imageDecoder, throughJpeg } from "../../src/platform/node/image-decoder.ts";

/** The engine's host on Node, with the native runtime. Files are written to a folder that is removed at once. */
export const nodeHost: EngineHost = {
  async openNetwork(model, beside, { inputShape, quantized }) {
    const folder = mkdtempSync(join(tmpdir(), "explorer-"));
    try {
      for (const file of [model, ...beside]) {
        const { name, bytes } = await readGiven(file);
        writeFileSync(join(folder, name), bytes);
      }
      return await openModel(join(folder, model.name), {
        threads: 1,
        ...(inputShape && { inputShape }),
        ...(quantized && { quantized }),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  openBackend: async () => createBackend({ threads: 1 }),
  decoder: imageDecoder,
  throughJpeg,
  sha256: async (bytes) => createHash("sha256").update(bytes).digest("hex"),
  pause: () => new Promise((resolve) => setTimeout(resolve)),
};

/** A client and an engine that hear each other as through a worker: what is sent is copied, and arrives as a task of its own. */
export function connect(host: EngineHost = nodeHost) {
  const states: EngineState[] = [];
  const client = new EngineClient(
    () => {
      let ended = false;
      const deliver = <T>(message: T, to: { onmessage: ((event: { readonly data: T }) => unknown) | null }) => {
        const copy = structuredClone(message);
        setTimeout(() => {
          if (!ended) to.onmessage?.({ data: copy });
        });
      };
      const inside: EnginePort = { onmessage: null, postMessage: (message: FromEngine) => deliver(message, outside) };
      const outside: EngineWorker = {
        onmessage: null,
        onerror: null,
        postMessage: (message: ToEngine) => deliver(message, inside),
        terminate: () => {
          ended = true;
        },
      };
      serveEngine(inside, host);
      return outside;
    },
    (state) => states.push(state),
  );
  return { client, states };
}

const folder = fileURLToPath(new URL("../../examples/digits/", import.meta.url));

export const given = (name: string, content: Uint8Array | string): GivenFile => ({
  name,
  content: typeof content === "string" ? new TextEncoder().encode(content) : content,
});

/** A file of the example. */
export const exampleFile = (path: string): GivenFile =>
  given(path.split("/").at(-1)!, readFileSync(join(folder, path)));

/** The example's network with its preset, and some of its pictures with their labels. */
export const digitsNetwork = [exampleFile("digits.onnx"), exampleFile("preprocess.json")];
export const digitsPictures = (count: number): GivenFile[] => [
  ...readdirSync(join(folder, "images"))
    .slice(0, count)
    .map((name) => exampleFile(`images/${name}`)),
  exampleFile("labels.tsv"),
];
