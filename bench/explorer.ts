// What the explorer takes in Chromium, and the same solves on Node, in turn: `npm run bench:explorer`. It builds the site, which takes
// minutes; `--site DIR` takes one that is built, `--rounds 1` measures once. Printed, and written to bench/results/explorer.json if
// nothing else ran on the machine when it began.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { loadInput, openModel, presets } from "../src/apps/node/index.ts";
import { chromiumPath, withoutChromium } from "../test/support/chromium.ts";
import { sharedDir, sharedPath } from "../test/support/shared.ts";
import { ExplorerPage, memoryOfTabs, type Solve, type Solved, secondsSince, serveSite } from "./explorer-page.ts";
import { stepMilliseconds } from "./explorer-steps.ts";
import { inProcess, photograph, squeezenet } from "./layers.ts";
import { type ResultTable, writeResult } from "./result.ts";
import { median } from "./timing.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const digits = join(root, "examples/digits");
const solves: readonly Solve[] = [
  { tap: "logits", k: 10 },
  { tap: "fire9.concat", k: 20 },
];
/** Solves that are cancelled long before their end. */
const long: Solve = { tap: "fire9.concat", k: 200 };
const longOfDigits: Solve = { tap: "conv1", k: 600 };
/** With a higher load of the machine its times say little. */
const QUIET = 0.5;

/** Of one round, in seconds but for what is named otherwise. */
interface Round {
  readonly interactive: number;
  readonly digits: number;
  readonly bytesSent: number;
  /** Of a step while a spectrum is solved. */
  readonly digitsStepMilliseconds: number;
  readonly squeezenet?: SqueezeNet & { readonly cancelMilliseconds: number; readonly stepMilliseconds: number };
  readonly tabBytes: number | undefined;
}

interface SqueezeNet {
  readonly opened: number;
  readonly solved: readonly Solved[];
}

async function inBrowser(site: string, model: string | undefined): Promise<Round> {
  const { address, sent, close } = await serveSite(site);
  const browser: Browser = await chromium.launch({ executablePath: chromiumPath, chromiumSandbox: false }); // root may not have one
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const first = new ExplorerPage(await context.newPage());
    const interactive = await first.open(address);
    const network = ["digits.onnx", "preprocess.json"].map((name) => join(digits, name));
    const picture = join(digits, "images/3-0013.png");
    const opened = await first.give(network, [picture]);
    const seconds = opened + (await first.firstSpectrum());
    const bytesSent = sent();
    await first.close();
    const digitsStepMilliseconds = await stepMilliseconds(network, picture, longOfDigits);
    const ofDigits = { interactive, digits: seconds, bytesSent, digitsStepMilliseconds };
    if (model === undefined) return { ...ofDigits, tabBytes: await memoryOfTabs(browser) };
    const page = new ExplorerPage(await context.newPage());
    await page.open(address);
    const times = { opened: await page.give([model], [photograph()]), solved: [] as Solved[] };
    for (const solve of solves) times.solved.push(await page.solve(solve));
    const tabBytes = await memoryOfTabs(browser);
    const cancelMilliseconds = await page.cancel(long);
    await page.close();
    const squeezenet = {
      ...times,
      cancelMilliseconds,
      stepMilliseconds: await stepMilliseconds([model], photograph(), long),
    };
    return { ...ofDigits, squeezenet, tabBytes };
  } finally {
    await browser.close();
    close();
  }
}

/** The same of SqueezeNet on Node. */
async function onNode(model: string): Promise<SqueezeNet> {
  const started = performance.now();
  const network = await openModel(model);
  const at = await loadInput(photograph(), presets[squeezenet.preset]);
  await network.forward(at, [network.output]);
  const opened = secondsSince(started);
  const solved: Solved[] = [];
  for (const { tap, k } of solves) {
    const begun = performance.now();
    using J = await network.jacobian({ at, to: tap });
    const { sigma } = await J.svd({ k });
    solved.push({ seconds: secondsSince(begun), sigma: [...sigma] });
  }
  await network.close();
  return { opened, solved };
}

/** Median of the rounds, and their range; empty for what was not measured. */
function shown(all: readonly number[]): string {
  if (all.length === 0) return "";
  const digits = (value: number) => String(Number(value.toPrecision(3)));
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return all.length === 1 ? digits(least) : `${digits(median(all))} (${digits(least)}–${digits(most)})`;
}

function tableOf(page: readonly Round[], node: readonly SqueezeNet[]): ResultTable {
  const inPage = page.flatMap(({ squeezenet }) => squeezenet ?? []);
  const opened = ({ opened }: SqueezeNet) => opened;
  const solvedAs = (i: number) => (one: SqueezeNet) => one.solved[i]!.seconds;
  const gigabytes = page.flatMap(({ tabBytes }) => (tabBytes === undefined ? [] : tabBytes / 1e9));
  const measured: readonly (readonly [
    what: string,
    inPage: readonly number[],
    most: string,
    node?: readonly number[],
  ])[] = [
    ["digits: the example moves, s", page.map(({ interactive }) => interactive), "2"],
    ["digits: first spectrum of one's own file, s", page.map(({ digits }) => digits), "3"],
    ["sent until then, MB", page.map(({ bytesSent }) => bytesSent / 1e6), "4.5"],
    ["SqueezeNet: open with a JPEG, s", inPage.map(opened), "3", node.map(opened)],
    ...solves.map(({ tap, k }, i) => {
      const seconds = solvedAs(i);
      return [`SqueezeNet: ${tap}, k = ${k}, s`, inPage.map(seconds), "6 × Node", node.map(seconds)] as const;
    }),
    ["SqueezeNet: Cancel is heard, ms", inPage.map(({ cancelMilliseconds }) => cancelMilliseconds), "300"],
    ["digits: a step during a solve, ms", page.map((round) => round.digitsStepMilliseconds), "100"],
    ["SqueezeNet: a step during a solve, ms", inPage.map(({ stepMilliseconds }) => stepMilliseconds), "300"],
    ["memory of a tab, GB", gigabytes, "1"],
  ];
  const rows = measured.flatMap(([what, all, most, native = []]) => {
    if (all.length === 0) return [];
    const ratios = native.map((seconds, i) => all[i]! / seconds);
    return [[what, ...[all, native, ratios].map(shown), most]];
  });
  const rounds = page.length === 1 ? "One round" : `Median of ${page.length} rounds (range)`;
  const difference =
    inPage.length === 0 ? "" : ` σ of SqueezeNet differ by at most ${worstDifference(inPage, node)} σ₁.`;
  return {
    title: "The explorer in Chromium",
    note: `${rounds}, the page and Node in turn, each from a fresh start. What is sent is compressed; *at most* is what we ask for.${difference}`,
    columns: ["what", "in the page", "on Node", "ratio", "at most"],
    rows,
  };
}

function worstDifference(page: readonly SqueezeNet[], node: readonly SqueezeNet[]): string {
  const differences = page.flatMap(({ solved }, round) =>
    solved.flatMap(({ sigma }, i) => {
      const native = node[round]!.solved[i]!.sigma;
      return sigma.map((value, j) => Math.abs(value - native[j]!) / native[0]!);
    }),
  );
  return Math.max(...differences).toExponential(1);
}

/** A built site, which the caller removes. */
function builtSite(): string {
  const folder = mkdtempSync(join(tmpdir(), "pushforward-site-"));
  const args = ["--import", "tsx", "scripts/explorer.ts", "--out", folder];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error("the site could not be built");
  return folder;
}

const { values } = parseArgs({
  options: { site: { type: "string" }, rounds: { type: "string", default: "3" }, side: { type: "string" } },
});
const model = sharedDir === undefined ? undefined : sharedPath("data", "models", squeezenet.model);
if (values.side === "native") {
  process.stdout.write(JSON.stringify(await onNode(model!)));
} else if (chromiumPath === undefined) {
  process.stderr.write(`${withoutChromium}\n`);
} else {
  const load = loadavg()[0]!;
  const hasModel = model !== undefined && existsSync(model);
  if (!hasModel) process.stderr.write(`skipped SqueezeNet: ${squeezenet.model} is not in the shared folder\n`);
  const site = values.site ?? builtSite();
  const page: Round[] = [];
  const node: SqueezeNet[] = [];
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      page.push(await inBrowser(site, hasModel ? model : undefined));
      if (hasModel) node.push(inProcess<SqueezeNet>(import.meta.url, ["--side", "native"]));
      process.stderr.write(`round ${round + 1} of ${values.rounds}\n`);
    }
  } finally {
    if (values.site === undefined) rmSync(site, { recursive: true });
  }
  const table = tableOf(page, node);
  for (const row of [table.columns, ...table.rows]) process.stdout.write(`${row.join("\t")}\n`);
  process.stdout.write(`${table.note}\n`);
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/onnxruntime-web/package.json"), "utf8"));
  if (!hasModel) process.stderr.write("not stored: a part was skipped\n");
  else if (load > QUIET) process.stderr.write(`not stored: the machine had other work (load ${load.toFixed(1)})\n`);
  else writeResult("explorer", "npm run bench:explorer", [table], { "onnxruntime-web": version });
}
