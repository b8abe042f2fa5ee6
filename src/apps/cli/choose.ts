import { formatUnsupported } from "../../autodiff/index.ts";
import { formatShape, PushforwardError, quoted, sizeOf } from "../../base/index.ts";
import { missingError, type Tap } from "../../jacobian/index.ts";
import { tripletsAt } from "../../studies/index.ts";
import type { Network } from "../node/index.ts";
import { DEFAULT_K } from "./options.ts";

/**
 * The taps asked for, by name or as `all` or `cuts`. `all` and `cuts` give only taps that depend on the source.
 *
 * @throws PushforwardError `tap-unknown` for an unknown name, and for a tap that does not depend on the source; `usage` for a
 * source that does not hold floats, and for inputs without a value that taps need; `op-unsupported` for nodes that cannot be
 * differentiated. The last two name all of these, and the taps that do not need them.
 */
export function chooseTaps(network: Network, from: Tap, names: string): Tap[] {
  network.requireFloats(from);
  const group = names === "all" || names === "cuts" ? names : undefined;
  const chosen =
    group === undefined
      ? namesIn(names).map((name) => network.tap(name))
      : withoutEmpty(network.taps.filter((tap) => isBehind(network, from, tap) && (group === "all" || tap.cut)));
  const empty = [from, ...chosen].find(isEmpty);
  if (empty !== undefined) {
    throw new PushforwardError("tap-unknown", {
      what: `"${empty.name}" is empty: its shape is ${formatShape(empty.shape)}, so J has no entries there.`,
      where: { file: network.file, tap: empty.name },
      fix: "Choose a tap that has entries; `pushforward inspect` lists the shapes.",
    });
  }
  requireReach(network, from, chosen);
  const moving = chosen.filter((tap) => network.moves(from, tap));
  const still = chosen.find((tap) => !moving.includes(tap));
  if (group === undefined && still !== undefined) {
    throw new PushforwardError("tap-unknown", {
      what: `"${still.name}" does not depend on "${from.name}": no path with a derivative leads from one to the other.`,
      where: { file: network.file, tap: still.name },
      fix: "Choose a target after the source; `pushforward inspect` lists the taps in order.",
    });
  }
  if (moving.length > 0) return moving;
  throw new PushforwardError("tap-unknown", {
    what: `No tap${group === "cuts" ? " that is a cut" : ""} depends on "${from.name}".`,
    where: { file: network.file, tap: from.name },
    fix: "Choose an earlier source with --from.",
  });
}

/** Taps without entries are among them, so that a note can name them. */
const isBehind = (network: Network, from: Tap, tap: Tap): boolean =>
  tap.tensor !== from.tensor && tap.op !== "Input" && (isEmpty(tap) || network.moves(from, tap));

const isEmpty = ({ shape }: Tap): boolean => sizeOf(shape) === 0;

/** The taps that have entries; those that have none are named in a note. */
function withoutEmpty(taps: readonly Tap[]): Tap[] {
  const empty = taps.filter(isEmpty);
  if (empty.length > 0) {
    const names = empty.map(({ name, shape }) => `${name} (${formatShape(shape)})`).join(", ");
    process.stderr.write(`note: these taps are left out, because they have no entries: ${names}\n`);
  }
  return taps.filter((tap) => !isEmpty(tap));
}

export function namesIn(list: string): string[] {
  const names = list
    .split(/,(?![^[\]]*\])/) // The commas between indices, as in x[0,7], separate no names.
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length > 0) return names;
  throw new PushforwardError("usage", {
    what: "No tap is given.",
    where: { option: "--taps" },
    fix: "Give names of taps, for example --taps conv1,relu1, or leave the option out for all taps.",
  });
}

/** @throws PushforwardError `op-unsupported`, or `usage` where inputs have no value */
function requireReach(network: Network, from: Tap, taps: readonly Tap[]): void {
  const missing = [...new Set(taps.flatMap((tap) => network.unsupported(from, tap)))];
  const needed = [...new Set(taps.flatMap((tap) => network.missing(tap)))];
  if (missing.length === 0 && needed.length === 0) return;
  const within = taps.filter((tap) => network.unsupported(from, tap).length === 0 && network.missing(tap).length === 0);
  const reachable = within.filter((tap) => network.moves(from, tap)).map(({ name }) => name);
  const without = needed.length === 0 ? undefined : missingError(needed);
  const reasons = [...(missing.length > 0 ? [formatUnsupported(missing)] : []), ...(without ? [without.what] : [])];
  const others =
    reachable.length > 0 ? `These taps do not need them: --taps ${quoted(reachable.join(","))}.` : undefined;
  const [first] = missing;
  throw new PushforwardError(first === undefined ? "usage" : "op-unsupported", {
    what: `${taps.length - within.length} of ${taps.length} taps cannot be computed. ${reasons.join(" ")}`,
    where: { file: network.file, ...(first && { node: first.node, op: first.op }) },
    fix:
      [without?.fix, others].filter((part) => part !== undefined).join(" ") ||
      "All taps need them. CONTRIBUTING.md explains how to add a rule.",
  });
}

/**
 * The k asked for, or `DEFAULT_K`. A note names the taps that have fewer singular values.
 *
 * @throws PushforwardError `shape-mismatch` if k is larger than the number of singular values at every chosen tap
 */
export function chooseK(asked: number | undefined, from: Tap, taps: readonly Tap[]): number {
  const k = asked ?? DEFAULT_K;
  const most = Math.max(...taps.map((tap) => tripletsAt(Number.POSITIVE_INFINITY, from, tap)));
  if (asked !== undefined && asked > most) {
    throw new PushforwardError("shape-mismatch", {
      what: `k = ${asked} is too large: at the given taps, J has at most min(m, n) = ${most} singular values.`,
      where: { option: "-k" },
      fix: `Ask for at most ${most}, or leave -k out.`,
    });
  }
  const cut = taps.filter((tap) => tripletsAt(k, from, tap) < k);
  if (asked !== undefined && cut.length > 0) {
    const list = cut.map((tap) => `${tap.name} ${tripletsAt(k, from, tap)}`).join(", ");
    process.stderr.write(
      `note: these taps have fewer than ${k} singular values, and all of them are computed: ${list}\n`,
    );
  }
  return k;
}
