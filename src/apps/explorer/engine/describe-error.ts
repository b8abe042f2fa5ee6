import { messageOf, PushforwardError } from "../../../base/index.ts";
import { reasonOf } from "../../../studies/index.ts";
import type { EngineError } from "./answers.ts";

/** What JavaScript engines and WebAssembly say where there is no memory left. */
const MEMORY = /alloc|out of memory|array length|memory access out of bounds/i;

/** Anything thrown, as it travels. */
export function describeError(thrown: unknown): EngineError {
  if (thrown instanceof PushforwardError) {
    const { code, what, where, fix } = thrown;
    return { code, what, where, ...(fix === undefined ? {} : { fix }) };
  }
  const isShort = thrown instanceof Error && !(thrown instanceof TypeError) && MEMORY.test(thrown.message);
  if (!isShort) return { code: "backend-failed", what: reasonOf(thrown), where: {} };
  return {
    code: "memory-short",
    what: `There was not enough memory: ${messageOf(thrown).replace(/\.$/, "")}.`,
    where: {},
    fix: "Ask for fewer triplets, remove pictures, close other tabs, or use a smaller network. If it repeats, start the engine again.",
  };
}
