import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One table of a result: what `docs/bench.md` shows, one cell as it is printed. */
export interface ResultTable {
  readonly title: string;
  /** What a reader needs to understand the numbers: units, repeats, what was excluded. */
  readonly note?: string;
  readonly columns: readonly string[];
  /** Each as long as `columns`; numbers are printed to three significant digits, integers whole. */
  readonly rows: readonly (readonly (string | number)[])[];
  /** Shown above the table; a file of `docs/`. */
  readonly picture?: { readonly file: string; readonly alt: string };
}

/** What a bench leaves behind, in `bench/results/<name>.json`. */
export interface BenchResult {
  /** The command that makes it again. */
  readonly command: string;
  readonly machine: {
    readonly cpu: string;
    /** Logical. */
    readonly cores: number;
    /** GiB. */
    readonly memory: number;
  };
  readonly versions: {
    readonly pushforward: string;
    readonly node: string;
    readonly onnxruntime: string;
    /** Of peers, where a bench has any. */
    readonly [peer: string]: string;
  };
  readonly results: readonly ResultTable[];
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where `writeResult` puts the results of a bench, and `npm run docs` looks for them. */
export const resultFile = (name: string): string => join(root, "bench/results", `${name}.json`);

/** Writes `bench/results/<name>.json` with this machine and these versions, and returns the file. */
export function writeResult(
  name: string,
  command: string,
  results: readonly ResultTable[],
  peerVersions: Readonly<Record<string, string>> = {},
): string {
  const version = (file: string) => (JSON.parse(readFileSync(join(root, file), "utf8")) as { version: string }).version;
  const result: BenchResult = {
    command,
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memory: Math.round(totalmem() / 2 ** 30) },
    versions: {
      pushforward: version("package.json"),
      node: process.versions.node,
      onnxruntime: version("node_modules/onnxruntime-node/package.json"),
      ...peerVersions,
    },
    results,
  };
  const file = resultFile(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

/** The stored result of a bench; undefined where there is none yet. */
export function readResult(name: string): BenchResult | undefined {
  const file = resultFile(name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as BenchResult) : undefined;
}
