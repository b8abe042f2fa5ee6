import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
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
    expect(client.state).toMatchObject({ kind: "lost", fix: expect.stringMatching(/^What is computed stays/) });
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

  describe("a cancel that the worker does not hear", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    /** A request that was cancelled 250 ms ago, and what came of it. */
    async function cancelled() {
      const connection = connected();
      const controller = new AbortController();
      const partials: unknown[] = [];
      const onPartial = (partial: unknown) => partials.push(partial);
      const asked = connection.client.ask("spectrum", { picture: 1, k: 2 }, { signal: controller.signal, onPartial });
      const ended = asked.catch((error: { code: string }) => error.code);
      controller.abort();
      vi.advanceTimersByTime(250);
      return { ...connection, partials, ended: await ended };
    }

    test("ends the request for the page, and the next one waits until the worker is free", async () => {
      const { client, worker, states, partials, ended } = await cancelled();
      expect([ended, client.state.kind]).toEqual(["interrupted", "finishing"]);
      const next = client.ask("vector", request);
      worker.say({ id: 1, partial: { sigma: Float64Array.of(2), residual: Float64Array.of(0.1) } });
      expect([partials, client.state.kind]).toEqual([[], "finishing"]);
      worker.say({ id: 1, answer: { bytes: 3 } });
      expect(client.state).toEqual({ kind: "ready" });
      worker.say({ id: 2, answer: vector });
      expect(await next).toEqual(vector);
      vi.advanceTimersByTime(20_000);
      expect(states.map(({ kind }) => kind)).toEqual(["finishing", "ready"]);
    });

    test("is a worker that is lost, after 20 seconds", async () => {
      const { client } = await cancelled();
      const next = client.ask("vector", request);
      const failed = expect(next).rejects.toMatchObject({ what: "The worker has not answered for 20 seconds." });
      vi.advanceTimersByTime(20_000);
      await failed;
      expect(client.state.kind).toBe("lost");
    });
  });
});
