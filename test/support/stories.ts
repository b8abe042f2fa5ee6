import { readFileSync } from "node:fs";
import { type OnnxModel, readModel } from "../../src/onnx/index.ts";
import { sharedPath } from "./shared.ts";

/** A small model of language, which reads ids of tokens, with a text of 201 tokens that it writes and the names of its tokens. */
export interface Stories {
  readonly file: string;
  readonly model: OnnxModel;
  readonly ids: readonly number[];
  readonly pieces: readonly string[];
}

/** Call it only where there is a shared folder. */
export async function readStories(): Promise<Stories> {
  const file = sharedPath("data", "models", "stories260k-ids.onnx");
  const golden = readFileSync(sharedPath("data", "models", "stories260k-golden.json"), "utf8");
  const { ids, pieces } = JSON.parse(golden) as Pick<Stories, "ids" | "pieces">;
  return { file, model: await readModel(readFileSync(file), { file }), ids, pieces };
}
