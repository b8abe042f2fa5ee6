import { describe, expect, test, vi } from "vitest";
import { EngineClient, type EngineState, type EngineWorker } from "../../src/apps/explorer/engine/client.ts";
import type { FromEngine, ToEngine } from "../../src/apps/explorer/engine/protocol.ts";

/** A worker that answers when the test says so, and remembers what it was sent. */
class ScriptedWorker implements EngineWorker {
  readonly sent: ToEngine[] = [];
  ended = false;
  onmessage: EngineWorker["onmessage"] = null;
  onerror: EngineWorker["onerror"] = null;

  postMessage(message: ToEngine): void {
    this.sent.push(message);
  }

  terminate(): void {
    this.ended = true;
  }

  /** As a port does, what is sent arrives as a copy. */
  say(message: FromEngine): void {
    this.onmessage?.({ data: structuredClone(message) });
  }
}

function connected() {
  const workers: ScriptedWorker[] = [];
  const states: EngineState[] = [];
  const client = new EngineClient(
    () => {
      const worker = new ScriptedWorker();
      workers.push(worker);
      return worker;
    },
    (state) => states.push(state),
  );
  return { client, workers, states, worker: workers[0]! };
}

const request = { spectrum: 1, index: 0, side: "v" } as const;
const vector = { tap: "image", shape: [2], values: Float32Array.of(0.6, 0.8) };

describe("the client of the explorer's engine", () => {
  test("partial answers and progress go to the request with their id, and then its answer", async () => {
    const { client, worker } = connected();
    const partials: unknown[] = [];
    const progress: unknown[] = [];
    const solve = client.ask(
      "spectrum",
      { picture: 1, k: 2 },
      {
        onPartial: (partial) => partials.push([...partial.sigma]),
        onProgress: (own) => progress.push(own),
      },
    );
    const other = client.ask("vector", request);
    expect(worker.sent).toEqual([
      { id: 1, kind: "spectrum", body: { picture: 1, k: 2 } },
      { id: 2, kind: "vector", body: request },
    ]);
    worker.say({ id: 1, progress: { phase: "compiling" } });
    worker.say({ id: 1, partial: { sigma: Float64Array.of(2, 1), residual: Float64Array.of(0.1, 0.2) } });
    worker.say({ id: 2, answer: vector });
    expect(await other).toEqual(vector);
    worker.say({ id: 1, answer: { bytes: 3 } });
    expect(await solve).toEqual({ bytes: 3 });
    expect(partials).toEqual([[2, 1]]);
    expect(progress).toEqual([{ phase: "compiling" }]);
  });

  test("an error arrives as it was thrown, and an abort is sent once", async () => {
    const { client, worker } = connected();
    const controller = new AbortController();
    const asked = client.ask("vector", request, { signal: controller.signal });
    controller.abort();
    expect(worker.sent.at(-1)).toEqual({ cancel: 1 });
    const error = { code: "interrupted", what: "It was cancelled.", where: { tap: "a" }, fix: "Ask again." } as const;
    worker.say({ id: 1, error });
    await expect(asked).rejects.toMatchObject(error);
    await expect(client.ask("vector", request, { signal: controller.signal })).rejects.toMatchObject({
      code: "interrupted",
    });
    expect(worker.sent).toHaveLength(2);
  });

  test("a lost worker ends what was asked and says what to do; another can be started", async () => {
    const { client, worker, workers, states } = connected();
    const asked = client.ask("vector", request);
    worker.onerror?.({ message: "Script error." });
    await expect(asked).rejects.toMatchObject({
      code: "backend-failed",
      what: "The worker that computes has ended: Script error.",
    });
    expect(client.state).toMatchObject({ kind: "lost", fix: expect.stringMatching(/^Start it again/) });
    expect(worker.ended).toBe(true);
    await expect(client.ask("vector", request)).rejects.toMatchObject({ code: "backend-failed" });
    client.restart();
    expect(states.map(({ kind }) => kind)).toEqual(["lost", "lost", "ready"]);
    const again = client.ask("vector", request);
    workers[1]!.say({ id: 2, answer: vector });
    expect(await again).toEqual(vector);
  });

  test("without enough memory, the state says so until a request is answered", async () => {
    const { client, worker } = connected();
    const asked = client.ask("vector", request);
    worker.say({
      id: 1,
      error: { code: "memory-short", what: "Too large.", where: {}, fix: "Choose a smaller network." },
    });
    await expect(asked).rejects.toMatchObject({ code: "memory-short" });
    expect(client.state).toEqual({ kind: "short", what: "Too large.", fix: "Choose a smaller network." });
    const next = client.ask("vector", request);
    worker.say({ id: 2, answer: vector });
    await next;
    expect(client.state).toEqual({ kind: "ready" });
  });

  test("a worker that does not hear a cancel is lost", async () => {
    vi.useFakeTimers();
    try {
      const { client } = connected();
      const controller = new AbortController();
      const asked = client.ask("vector", request, { signal: controller.signal });
      const failed = expect(asked).rejects.toMatchObject({ what: "The worker has not answered for 20 seconds." });
      controller.abort();
      vi.advanceTimersByTime(20_000);
      await failed;
      expect(client.state.kind).toBe("lost");
    } finally {
      vi.useRealTimers();
    }
  });
});
