import { Worker } from "node:worker_threads";

/**
 * SHA-256, hexadecimal, of each list of pieces, one piece after the other. A thread of its own computes them, so that the program goes
 * on; it reads shared memory where it is. The bytes must not change until then.
 */
export function sha256InThread(lists: readonly (readonly Uint8Array[])[]): Promise<string[]> {
  const worker = new Worker(script, { eval: true, workerData: lists, execArgv: [] });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

/** The thread: CommonJS. Node.js hashes at most so many bytes at once. */
const script = `
const { parentPort, workerData } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const MOST = 2 ** 30;
parentPort.postMessage(workerData.map((pieces) => {
  const hash = createHash("sha256");
  for (const piece of pieces) for (let at = 0; at < piece.length; at += MOST) hash.update(piece.subarray(at, at + MOST));
  return hash.digest("hex");
}));
`;
