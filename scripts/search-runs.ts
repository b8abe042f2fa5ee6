// Trains the candidates on which strategies of a search are compared, and replays these: MLPs on the digits, with a constant rate, with a
// cosine, and on rotated digits. `npm run search:runs -- --out FOLDER`; the same command continues. `--quick` is a small first look.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeArrays } from "../examples/digits/data.ts";
import { formatSeconds } from "../src/base/index.ts";
import { root } from "../test/docs/markdown.ts";

const { values: given } = parseArgs({
  options: {
    out: { type: "string" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    candidates: { type: "string" },
    seeds: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});
if (given.out === undefined) throw new Error("Say where the results go: --out FOLDER.");
const { out, quick } = given;
const candidates = given.candidates ?? (quick ? "48" : "384");
const seeds = given.seeds ?? (quick ? "1" : "3");

/** The parts of the space that arms and `--quick` change. */
interface DigitsSpace {
  readonly network: { readonly layers: readonly [object, object] };
  readonly data: object;
}

const whole = JSON.parse(readFileSync(join(root, "examples/search/digits.json"), "utf8")) as DigitsSpace;
const [block, last] = whole.network.layers;
const small = { ...block, $repeat: { $choice: [2, 5, 10, 20] } };
const plain: DigitsSpace = quick
  ? {
      ...whole,
      network: { ...whole.network, layers: [small, last] },
      data: { ...whole.data, subset: 2000 },
      ...{ batch: 50, epochs: 6 },
    }
  : whole;

/** The rules are the same for all arms. */
const arms: Readonly<Record<string, object>> = {
  plain,
  cosine: { ...plain, schedule: { kind: "cosine" } },
  rotated: { ...plain, data: { ...plain.data, variation: "rotated" } },
};

function run(name: string, args: readonly string[]): void {
  const start = performance.now();
  const program = join(root, "dist/apps/cli/main.js");
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: "inherit" });
  console.log(`${name}: ${formatSeconds((performance.now() - start) / 1000)}`);
  if (status !== 0) process.exit(status ?? 130);
}

mkdirSync(out, { recursive: true });
writeArrays(out);
for (const [arm, space] of Object.entries(arms)) {
  if (given.only === undefined ? quick && arm !== "plain" : given.only !== arm) continue;
  const file = join(out, `${arm}.json`);
  writeFileSync(file, JSON.stringify(space, undefined, 2));
  const table = join(out, arm);
  const settings = ["--by", "table", "--budget", candidates, "--seeds", seeds, "--jobs", given.jobs];
  run(`${arm}: candidates`, ["search", file, ...settings, "--out", table]);
  run(`${arm}: replays`, ["study", "search", table, "--out", join(out, `${arm}-replayed`)]);
}
