import {
  EngineClient,
  type GivenFile,
  type RequestKind,
  type RequestOf,
} from "../../src/apps/explorer/engine/index.ts";

const client = new EngineClient(() => new Worker("/engine.js", { type: "module" }) as never);

/** Files of the site as a page gives them. */
async function given(paths: readonly string[]): Promise<GivenFile[]> {
  return Promise.all(
    paths.map(async (path) => ({ name: path.slice(1), content: await (await fetch(path)).blob() }) satisfies GivenFile),
  );
}

export const openFiles = async (paths: readonly string[]) => client.ask("open", { files: await given(paths) });
export const addPictures = async (paths: readonly string[]) => client.ask("pictures", { files: await given(paths) });
export const ask = <K extends RequestKind>(kind: K, body: RequestOf<K>) => client.ask(kind, body);

/** Cancels a solve when it has begun to multiply. Returns how long it took to hear that, and the code of its error. */
export async function cancelSolve(body: RequestOf<"spectrum">): Promise<{ milliseconds: number; code: string }> {
  const controller = new AbortController();
  let started = 0;
  const onProgress = ({ products = 0 }) => {
    if (products === 0 || started > 0) return;
    started = performance.now();
    controller.abort();
  };
  const code = await client.ask("spectrum", body, { signal: controller.signal, onProgress }).then(
    () => "answered",
    (error: { code: string }) => error.code,
  );
  return { milliseconds: performance.now() - started, code };
}

/** Asks for steps while a spectrum is solved, as a slider does. Returns how many were answered, and whether the solve still ran then. */
export async function stepWhileSolving(
  body: RequestOf<"spectrum">,
  step: RequestOf<"step">,
): Promise<{ answered: number; stillSolving: boolean; milliseconds: readonly number[] }> {
  const controller = new AbortController();
  let begun = () => {};
  const began = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const onProgress = ({ products = 0 }) => {
    if (products > 0) begun();
  };
  let stillSolving = true;
  const solve = client.ask("spectrum", body, { signal: controller.signal, onProgress }).then(
    () => undefined,
    () => undefined,
  );
  void solve.then(() => {
    stillSolving = false;
  });
  await began;
  const milliseconds: number[] = [];
  for (let i = 1; i <= 5; i++) {
    const started = performance.now();
    await client.ask("step", { ...step, epsilon: i / 10 });
    milliseconds.push(performance.now() - started);
  }
  const result = { answered: milliseconds.length, stillSolving, milliseconds };
  controller.abort();
  await solve;
  return result;
}
