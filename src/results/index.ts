export { describeMismatch, sameRun } from "./manifest.ts";
export { createRun, earlierRun, type InputNote, openRun, type Run, type Table, type TableName } from "./run.ts";
export { type Key, MemoryStore, type Store } from "./store.ts";
export type * from "./types.ts";
