// @ts-check
// The thread in which ONNX Runtime computes, so that the event loop of the program goes on while a graph runs. Sessions and tensors
// have numbers, which the program gives them. This file is JavaScript because a thread starts from a file as it is, in the
// sources and in what is built of them.
import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";

/**
 * @typedef {import("./cpu-messages.ts").Task} Task
 * @typedef {import("./cpu-messages.ts").Feed} Feed
 * @typedef {import("./cpu-messages.ts").Place} Place
 * @typedef {import("./cpu-messages.ts").Entries} Entries
 * @typedef {import("./cpu-messages.ts").Range} Range
 * @typedef {import("./cpu-messages.ts").Read} Read
 * @typedef {import("./cpu-messages.ts").Count} Count
 */

const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);

/** Whether this thread computes, and whether the program ends: then it computes no more. */
const state = /** @type {Int32Array} */ (workerData);
const [COMPUTES, ENDS] = [0, 1];

function rest() {
  Atomics.store(state, COMPUTES, 0);
  Atomics.notify(state, COMPUTES);
}

/** @type {Map<number, ort.InferenceSession>} */
const sessions = new Map();

/** @type {Map<number, { entries: Entries } | { failure: unknown }>} */
const tensors = new Map();

/** Creates the entries of a tensor; if there is no memory, whoever uses the tensor is told. @type {(id: number, make: () => Entries) => void} */
function put(id, make) {
  try {
    tensors.set(id, { entries: make() });
  } catch (failure) {
    tensors.set(id, { failure });
  }
}

/** The entries of a tensor. @type {(id: number) => Entries} */
function get(id) {
  const tensor = tensors.get(id);
  if (tensor === undefined) throw new Error("a tensor was used after it was disposed of");
  if ("failure" in tensor) throw tensor.failure;
  return tensor.entries;
}

/** @type {(range: Range) => Entries} */
function entriesOf({ tensor, start, size }) {
  const entries = get(tensor);
  return start === 0 && size === entries.length
    ? entries
    : /** @type {Float32Array} */ (entries).subarray(start, start + size);
}

/** @type {(feed: Feed) => ort.Tensor} */
function inputOf(feed) {
  const data = "data" in feed ? feed.data : entriesOf(feed);
  return new ort.Tensor(/** @type {"float32"} */ (feed.type), /** @type {Float32Array} */ (data), feed.shape);
}

/** @type {(session: ort.InferenceSession, feeds: Record<string, Feed>, places: Record<string, Place>) => Promise<Record<string, Read>>} */
async function run(session, feeds, places) {
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, inputOf(feed)]));
  const outputs = Object.fromEntries(
    Object.entries(places).map(([name, place]) => [name, place !== "read" && "start" in place ? inputOf(place) : null]),
  );
  const results = await session.run(inputs, outputs);
  /** @type {Record<string, Read>} */
  const told = {};
  for (const [name, place] of Object.entries(places)) {
    const result = results[name];
    if (result === undefined) throw new Error(`no output is called ${name}`);
    const [type, shape] = [/** @type {Read["type"]} */ (result.type), result.dims];
    const data = /** @type {Entries} */ (result.data);
    if (place === "read") told[name] = { type, shape, data };
    else if ("keep" in place) {
      tensors.set(place.keep, { entries: data });
      told[name] = { type, shape, data: [] };
    }
  }
  return told;
}

/** Rows of entries at some positions, or the transpose of that. @type {(task: Task & { do: "select" | "scatter" }) => void} */
function move({ do: what, x, into, rows, positions }) {
  const [from, to] = [/** @type {Float32Array} */ (entriesOf(x)), /** @type {Float32Array} */ (entriesOf(into))];
  const [long, short] = what === "select" ? [from, to] : [to, from];
  const [length, count] = [long.length / rows, short.length / rows];
  if (what === "scatter") to.fill(0);
  for (let row = 0; row < rows; row++) {
    const [whole, some] = [
      long.subarray(row * length, (row + 1) * length),
      short.subarray(row * count, (row + 1) * count),
    ];
    if (what === "select")
      for (let j = 0; j < count; j++) some[j] = /** @type {number} */ (whole[/** @type {number} */ (positions[j])]);
    else for (let j = 0; j < count; j++) whole[/** @type {number} */ (positions[j])] = /** @type {number} */ (some[j]);
  }
}

/** @type {() => Count} */
function count() {
  let bytes = 0;
  for (const tensor of tensors.values()) {
    if ("entries" in tensor && ArrayBuffer.isView(tensor.entries)) bytes += tensor.entries.byteLength;
  }
  return { sessions: sessions.size, tensors: tensors.size, bytes };
}

/** @type {(task: Task) => Promise<Record<string, Read> | Read | Count | undefined>} */
async function done(task) {
  switch (task.do) {
    case "create":
      sessions.set(task.session, await ort.InferenceSession.create(task.model, task.options));
      return undefined;
    case "run":
      return run(/** @type {ort.InferenceSession} */ (sessions.get(task.session)), task.feeds, task.places);
    case "release": {
      const session = sessions.get(task.session);
      sessions.delete(task.session);
      await session?.release();
      return undefined;
    }
    case "run file": {
      const session = await ort.InferenceSession.create(/** @type {string} */ (task.file), task.options);
      try {
        return await run(session, task.feeds, task.places);
      } finally {
        await session.release();
      }
    }
    case "upload":
      put(task.tensor, () => task.data);
      return undefined;
    case "allocate":
      put(task.tensor, () => new Float32Array(task.size));
      return undefined;
    case "count":
      return count();
    case "free":
      tensors.delete(task.tensor);
      return undefined;
    case "read": {
      const entries = entriesOf(task);
      return { type: task.type, shape: [], data: /** @type {Float32Array} */ (entries).slice() };
    }
    case "select":
    case "scatter":
      move(task);
      return undefined;
  }
}

/** Memory that is not kept here goes to the program without a copy. @type {(results: readonly Read[]) => ArrayBuffer[]} */
function movable(results) {
  const buffers = results.flatMap(({ data }) =>
    ArrayBuffer.isView(data) ? [/** @type {ArrayBuffer} */ (data.buffer)] : [],
  );
  return [...new Set(buffers)];
}

let queue = Promise.resolve();
port.on("message", (/** @type {Task & { readonly call?: number }} */ task) => {
  queue = queue.then(async () => {
    const { call } = task;
    Atomics.store(state, COMPUTES, 1);
    if (Atomics.load(state, ENDS) === 1) return rest();
    try {
      const result = await done(task);
      if (call === undefined) return;
      const results =
        result === undefined ? [] : "data" in result ? [/** @type {Read} */ (result)] : Object.values(result);
      port.postMessage({ call, result }, movable(results));
    } catch (cause) {
      if (call !== undefined) {
        port.postMessage({ call, failure: cause instanceof Error ? cause.message : String(cause) });
      } else if ("into" in task) {
        tensors.set(task.into.tensor, { failure: cause }); // Whoever uses the result is told.
      }
    } finally {
      rest();
    }
  });
});
rest();
