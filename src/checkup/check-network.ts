import { formatUnsupported } from "../autodiff/index.ts";
import { sizeOf } from "../base/index.ts";
import { describeInput, type Network, type Point, type Tap } from "../jacobian/index.ts";
import { checkTap, type Finding, type TapCheck } from "./check-tap.ts";
import { differencesAt } from "./differences.ts";

export type { Finding, TapCheck } from "./check-tap.ts";

export interface CheckupOptions {
  /** The points at which it is checked; the worst result of each tap counts. Times are taken at the first. */
  readonly points: readonly Point[];
  readonly from: Tap;
  /** The taps to check by products; all others are only looked at. */
  readonly taps: readonly Tap[];
  readonly seed?: number;
  /** Told of each tap when it is done. */
  readonly onTap?: (check: TapCheck) => void;
}

/** What a checkup of a network has found. */
export interface Checkup {
  /** The taps that were checked, and those that cannot be, in the order of the graph. */
  readonly taps: readonly TapCheck[];
  /** Seconds of one pass to the outputs. */
  readonly forward: number;
  /** Where products take their time: pairs of taps that follow each other, by their share of the longest product, the largest first. */
  readonly slowest: readonly { readonly from: string; readonly to: string; readonly share: number }[];
  /** What would help, in sentences. */
  readonly advice: readonly string[];
}

/** From the best to the worst: a tap has the worst finding of its points. */
const severity: readonly Finding[] = [
  "right",
  "adjoint",
  "inexact",
  "constant",
  "empty",
  "no value",
  "not finite",
  "no rule",
  "failed",
  "wrong",
  "not adjoint",
];

/**
 * Checks a network: which taps can be differentiated, whether J and Jᵀ are transposes of each other, whether J is what differences of the
 * network in float64 give (where nothing rounds to quantized numbers), how many kinks lie at the points, and where the time goes.
 *
 * @throws PushforwardError what `forward` throws at a point
 */
export async function checkNetwork(
  network: Network,
  { points, from, taps, seed = 0, onTap = () => undefined }: CheckupOptions,
): Promise<Checkup> {
  const obstacles = new Map(network.taps.flatMap((tap) => obstacleOf(network, from, tap)).map((one) => [one.tap, one]));
  const able = taps.filter((tap) => !obstacles.has(tap) && tap.tensor !== from.tensor);
  const found = new Map<Tap, TapCheck>(obstacles);
  for (const [at, point] of points.entries()) {
    for (const group of groupsOf(able)) {
      const differences = await differencesAt(network, from, group, point, seed + at);
      for (const tap of group) {
        const check = await checkTap(network, tap, differences, { from, point, seed: seed + at, isTimed: at === 0 });
        const worse = worst(found.get(tap), check);
        found.set(tap, worse);
        if (at === points.length - 1) onTap(worse);
        await network.forget(); // No other tap needs its graphs, which keep memory.
      }
    }
  }
  const checks = network.taps.flatMap((tap) => found.get(tap) ?? []);
  const forward = points[0] === undefined ? Number.NaN : await secondsOfPass(network, points[0]);
  const slowest = slowestParts(checks);
  return { taps: checks, forward, slowest, advice: adviceOn(network, checks, forward) };
}

/** So many entries of taps are held at once, in float64, for each step of the differences. */
const MOST_ENTRIES = 2 ** 22;

/** Taps whose values fit together into memory. */
function groupsOf(taps: readonly Tap[]): Tap[][] {
  const groups: Tap[][] = [];
  let entries = Infinity;
  for (const tap of taps) {
    entries += sizeOf(tap.shape);
    if (entries > MOST_ENTRIES) {
      groups.push([]);
      entries = sizeOf(tap.shape);
    }
    groups.at(-1)!.push(tap);
  }
  return groups;
}

/** What keeps a tap from being checked, or that it needs no check. */
function obstacleOf(network: Network, from: Tap, tap: Tap): TapCheck[] {
  if (tap.tensor === from.tensor || tap.op === "Input") return [];
  if (sizeOf(tap.shape) === 0) return [{ tap, finding: "empty", reason: "it has no entries" }];
  const unfed = network.missing(tap);
  if (unfed.length > 0) {
    return [{ tap, finding: "no value", reason: `an input has no value: ${unfed.map(describeInput).join(", ")}` }];
  }
  const unsupported = network.unsupported(from, tap);
  if (unsupported.length > 0) return [{ tap, finding: "no rule", reason: formatUnsupported(unsupported) }];
  if (network.moves(from, tap)) return [];
  return [{ tap, finding: "constant", reason: `it does not depend on ${from.name}, or only through steps` }];
}

function worst(before: TapCheck | undefined, now: TapCheck): TapCheck {
  if (before === undefined) return now;
  const [worse, other] =
    severity.indexOf(now.finding) > severity.indexOf(before.finding) ? [now, before] : [before, now];
  const larger = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
  const [adjoint, difference] = [larger(before.adjoint, now.adjoint), larger(before.difference, now.difference)];
  const [times, kinks] = [
    before.times ?? now.times,
    [before, now].find((one) => one.kinks?.length)?.kinks ?? now.kinks,
  ];
  return {
    ...other,
    ...worse,
    ...(adjoint === undefined ? {} : { adjoint }),
    ...(difference === undefined ? {} : { difference }),
    ...(times === undefined ? {} : { times }),
    ...(kinks === undefined ? {} : { kinks }),
  };
}

/** The faster of two passes to the outputs, after one that is not counted. */
async function secondsOfPass(network: Network, point: Point): Promise<number> {
  const { onnx } = network.model;
  const names = onnx.graph.outputs.map(({ name }) => name).filter((name) => !onnx.graph.initializers.has(name));
  const computed = names.filter((name) => onnx.graph.nodes.some(({ outputs }) => outputs.includes(name)));
  if (computed.length === 0) return Number.NaN;
  const feeds = network.feeds(point, computed);
  const executable = await network.backend.compile(onnx);
  try {
    let fastest = Infinity;
    for (let run = 0; run < 3; run++) {
      const start = performance.now();
      await executable.run(feeds, computed);
      if (run > 0) fastest = Math.min(fastest, (performance.now() - start) / 1000);
    }
    return fastest;
  } finally {
    await executable.release();
  }
}

const secondsOf = ({ times }: TapCheck): number => (times === undefined ? 0 : times.jvp + times.vjp);

/** The pairs of taps in the order of the graph between which the time of a product grows most beyond the longest before. */
function slowestParts(checks: readonly TapCheck[]): Checkup["slowest"] {
  const timed = checks.filter(({ times, tap }) => times !== undefined && tap.cut);
  const before = timed.map((_, at) => Math.max(0, ...timed.slice(0, at).map(secondsOf)));
  const longest = Math.max(0, ...timed.map(secondsOf));
  return timed
    .map((check, at) => ({
      from: timed[at - 1]?.tap.name ?? "the source",
      to: check.tap.name,
      share: (secondsOf(check) - before[at]!) / longest,
    }))
    .filter(({ share }) => share > 0.05)
    .sort((a, b) => b.share - a.share)
    .slice(0, 5);
}

/** A product that takes more passes than this is slow: those of convolutions take one to two. */
const SLOW = 4;
/** Passes shorter than this, in seconds, mostly consist of calls, and products of theirs do too. */
const SHORTEST_PASS = 5e-3;

function adviceOn(network: Network, checks: readonly TapCheck[], forward: number): string[] {
  const of = (finding: Finding) => checks.filter((check) => check.finding === finding);
  const names = (some: readonly TapCheck[]) =>
    some
      .map(({ tap }) => tap.name)
      .slice(0, 3)
      .join(", ");
  const advice: string[] = [];
  const ruled = checks.filter(({ finding, tap }) => /^(right|adjoint|inexact)$/.test(finding) && tap.op !== "Input");
  if (of("no rule").length > 0) {
    const last = ruled.at(-1);
    advice.push(
      last === undefined
        ? "No tap can be differentiated before the operators that have no rule; docs/ops.md lists those that have one."
        : `Taps up to ${last.tap.name} can be differentiated: name them with --taps, or start behind the obstacle with --from.`,
    );
  }
  if (of("no value").length > 0) {
    const inputs = new Set(of("no value").flatMap(({ tap }) => network.missing(tap).map(({ name }) => name)));
    advice.push(`Give the inputs without a value: ${[...inputs].map((name) => `--input ${name}=FILE.npy`).join(" ")}.`);
  }
  if (of("not finite").length > 0) {
    advice.push(
      `Values or derivatives at ${names(of("not finite"))} are not finite at this point: give inputs of the network with --data.`,
    );
  }
  const atKinks = checks.filter(({ kinks = [] }) => kinks.length > 0);
  if (atKinks.length > 0) {
    const nodes = [...new Set(atKinks.flatMap(({ kinks = [] }) => kinks.map(({ tap }) => tap)))];
    advice.push(
      `The point lies at kinks of ${nodes.slice(0, 5).join(", ")}${nodes.length > 5 ? ", …" : ""}, where J is a convention (docs/notes/ties.md): flat parts of pictures do this.`,
    );
  }
  const isLong = forward > SHORTEST_PASS;
  const slow = checks.filter(
    ({ times }) => isLong && times !== undefined && Math.max(times.jvp, times.vjp) > SLOW * forward,
  );
  if (slow.length > 0) {
    advice.push(
      `One product takes more than ${SLOW} forward passes at ${names(slow)}: a cut before them as the source (--from) or the target is cheaper.`,
    );
  }
  if ([...of("wrong"), ...of("not adjoint")].length > 0) {
    advice.push(
      "Results at the taps that fail must not be used. Report the failing part, which --out writes as a file.",
    );
  }
  return advice;
}
