export type * from "./answers.ts";
export { type AskOptions, EngineClient, type EngineState, type EngineWorker, givenFiles } from "./client.ts";
export type * from "./protocol.ts";
