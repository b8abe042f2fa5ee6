import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { writeModel } from "../../onnx/index.ts";
import { repeatModel } from "../ort/device-memory.ts";

/** What a child process found out about an execution provider. */
export interface Probe {
  /** Whether a graph ran on it. */
  readonly runs: boolean;
  /** What ONNX Runtime and the driver said: the error, and what was printed. */
  readonly said: string;
  /** The most bytes of a buffer; absent where it could not be found out. */
  readonly largestBuffer?: number;
  /** The libraries that were loaded for it, as far as the system tells. */
  readonly libraries: readonly string[];
}

/** After so many milliseconds a device counts as one that does not answer. */
const PATIENCE = 60_000;
/** Entries of a tensor that hardly a buffer can hold: 4 GiB. */
const TOO_MANY = 2 ** 30;

/**
 * Tries an execution provider of ONNX Runtime in a child process, because a driver may end the process that tries it.
 */
export async function probe(provider: string): Promise<Probe> {
  const model = Buffer.from(writeModel(repeatModel)).toString("base64");
  const runtime = createRequire(import.meta.url).resolve("onnxruntime-node");
  const child = spawn(process.execPath, ["-e", script, runtime, provider, model, String(TOO_MANY)], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: PATIENCE,
  });
  const [output, errors] = [collected(child.stdout), collected(child.stderr)];
  const ended = await new Promise<string>((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const answer = /^\{.*\}$/m.exec(output())?.[0];
  if (answer === undefined) return { runs: false, said: `${errors()}\nThe process ended: ${ended}`, libraries: [] };
  const { runs, error, refusal, libraries } = JSON.parse(answer) as Answer;
  const limit = /max buffer size limit \((\d+)\)/.exec(refusal)?.[1];
  return {
    runs,
    said: `${errors()}\n${error}`,
    libraries,
    ...(limit === undefined ? {} : { largestBuffer: Number(limit) }),
  };
}

interface Answer {
  readonly runs: boolean;
  readonly error: string;
  readonly refusal: string;
  readonly libraries: readonly string[];
}

/** The child process: CommonJS. It prints an `Answer`. */
const script = `
process.env.ORT_DISABLE_TELEMETRY ??= "1";
const [runtime, provider, model, tooMany] = process.argv.slice(1);
const fs = require("node:fs");
const answer = { runs: false, error: "", refusal: "", libraries: [] };
const main = async () => {
  const ort = require(runtime);
  const session = await ort.InferenceSession.create(Buffer.from(model, "base64"), {
    executionProviders: [provider],
    ...(provider === "webgpu" ? { preferredOutputLocation: "gpu-buffer" } : {}),
  });
  const run = (size) => session.run({
    x: new ort.Tensor("float32", Float32Array.of(0), [1]),
    size: new ort.Tensor("int64", BigInt64Array.of(BigInt(size)), [1]),
  });
  await run(1000);
  answer.runs = true;
  if (fs.existsSync("/proc/self/maps")) {
    const paths = fs.readFileSync("/proc/self/maps", "utf8").match(/\\/\\S+\\.so[.\\d]*$/gm) ?? [];
    answer.libraries = [...new Set(paths)];
  }
  if (provider === "webgpu") await run(tooMany).catch((cause) => { answer.refusal = cause.message; });
};
main().catch((cause) => { answer.error = cause.message; }).finally(() => {
  fs.writeSync(1, JSON.stringify(answer) + "\\n");
});
`;

/** Collects what a stream gives; the function returns all of it so far. */
function collected(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return () => text;
}
