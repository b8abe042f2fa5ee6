import { PushforwardError } from "../../../base/index.ts";
import { describeError } from "./describe-error.ts";
import type { EngineHost } from "./host.ts";
import type { Job } from "./job.ts";
import type { AnswerOf, FromEngine, RequestKind, RequestOf, ToEngine } from "./protocol.ts";
import { Session } from "./session.ts";
import { Trainings } from "./trainings.ts";
import { Turns } from "./turns.ts";

/** What the engine needs of the worker that it runs in, or of a port. */
export interface EnginePort {
  postMessage(message: FromEngine): void;
  onmessage: ((event: { readonly data: ToEngine }) => unknown) | null;
}

/** The bytes that compiled graphs and spectra may hold, unless a request sets them. */
const BUDGET = 2 ** 29;

/** Requests that are answered at once, also while another one is computed. */
const quickKinds: ReadonlySet<RequestKind> = new Set(["removePictures", "vector", "step", "setBudget"]);

type Handlers = {
  readonly [K in RequestKind]: (request: RequestOf<K>, job: Job<K>) => Promise<AnswerOf<K>> | AnswerOf<K>;
};

/** Answers the requests that come through a port: see `Protocol`. */
export function serveEngine(port: EnginePort, host: EngineHost): void {
  const engine = new Engine(port, host);
  port.onmessage = ({ data }) => engine.hear(data);
}

class Engine {
  readonly #port: EnginePort;
  readonly #host: EngineHost;
  readonly #turns: Turns;
  readonly #trainings: Trainings;
  readonly #running = new Map<number, AbortController>();
  /** The last request for steps, if it has not begun. */
  #waitingStep: AbortController | undefined;
  #session: Session | undefined;
  #budget = BUDGET;

  readonly #handlers: Handlers = {
    open: (request, job) => this.#open(request, job),
    pictures: (request, job) => this.#opened.pictures(request, job),
    setPreprocess: (request, job) => this.#opened.setPreprocess(request, job),
    removePictures: (request) => this.#opened.removePictures(request),
    spectrum: (request, job) => this.#opened.spectrum(request, job),
    vector: (request) => this.#opened.vector(request),
    step: (request) => this.#opened.step(request),
    nearestChange: (request, job) => this.#opened.nearestChange(request, job),
    noise: (request, job) => this.#opened.noise(request, job),
    trajectory: (request, job) => this.#opened.trajectory(request, job),
    train: (request, job) => this.#trainings.train(request, job),
    setBudget: (request) => this.#setBudget(request),
    dispose: () => this.#dispose(),
  };

  constructor(port: EnginePort, host: EngineHost) {
    this.#port = port;
    this.#host = host;
    this.#turns = new Turns(host.pause);
    this.#trainings = new Trainings(host);
  }

  hear(message: ToEngine): void {
    if ("cancel" in message) this.#running.get(message.cancel)?.abort();
    else void this.#answer(message.id, message.kind, message.body);
  }

  async #answer<K extends RequestKind>(id: number, kind: K, body: RequestOf<K>): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    if (kind === "dispose") for (const other of this.#running.values()) other.abort();
    this.#running.set(id, controller);
    if (kind === "step") {
      this.#waitingStep?.abort();
      this.#waitingStep = controller;
    }
    const job: Job<K> = {
      signal,
      partial: (partial) => this.#port.postMessage({ id, partial }),
      progress: (progress) => this.#port.postMessage({ id, progress }),
      rest: () => this.#turns.rest(signal),
    };
    const work = async () => {
      if (this.#waitingStep === controller) this.#waitingStep = undefined;
      return this.#handlers[kind](body, job);
    };
    try {
      const answer = await (quickKinds.has(kind) ? this.#turns.quick(signal, work) : this.#turns.long(signal, work));
      if (signal.aborted) throw cancelled();
      this.#port.postMessage({ id, answer });
    } catch (cause) {
      this.#port.postMessage({ id, error: describeError(signal.aborted ? cancelled() : cause) });
    } finally {
      this.#running.delete(id);
    }
  }

  get #opened(): Session {
    if (this.#session !== undefined) return this.#session;
    throw new PushforwardError("usage", { what: "No network is open.", fix: "Open an ONNX file first." });
  }

  /** If it was cancelled meanwhile, the network of before stays. */
  async #open(request: RequestOf<"open">, { rest }: Job<"open">) {
    const session = await Session.open(request, this.#host, this.#budget);
    try {
      await rest();
    } catch (cause) {
      await session.close();
      throw cause;
    }
    await this.#take(session);
    return session.description;
  }

  async #dispose() {
    await this.#take(undefined);
    await this.#trainings.close();
    return {};
  }

  /** Puts a session in the place of the one before, which is closed when no quick request works with it any more. */
  async #take(session: Session | undefined): Promise<void> {
    const before = this.#session;
    this.#session = session;
    await this.#turns.quick(new AbortController().signal, async () => before?.close());
  }

  async #setBudget({ bytes }: RequestOf<"setBudget">) {
    if (!(bytes > 0)) {
      throw new PushforwardError("usage", { what: `The budget is ${bytes} bytes.`, fix: "Give a positive number." });
    }
    this.#budget = bytes;
    await this.#session?.limit(bytes);
    return { bytes };
  }
}

const cancelled = () => new PushforwardError("interrupted", { what: "The request was cancelled." });
