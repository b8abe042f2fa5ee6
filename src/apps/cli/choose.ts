import { linearize } from "../../autodiff/index.ts";
import { PushforwardError, quoted } from "../../base/index.ts";
import type { Tap } from "../../jacobian/index.ts";
import { evaluateWith } from "../../operator/index.ts";
import { tripletsAt } from "../../studies/index.ts";
import type { NetworkFile } from "../node/index.ts";
import { DEFAULT_K } from "./options.ts";

/**
 * The taps asked for, by name or as `all` or `cuts`. `all` and `cuts` give only taps that depend on the source.
 *
 * @throws PushforwardError `tap-unknown` for an unknown name, or a tap that does not depend on the source; `op-unsupported` naming
 * all nodes without a rule and the taps that do not need them
 */
export async function chooseTaps(network: NetworkFile, from: Tap, names: string): Promise<Tap[]> {
  const group = names === "all" || names === "cuts" ? names : undefined;
  const chosen =
    group === undefined
      ? namesIn(names).map((name) => network.tap(name))
      : network.taps.filter((tap) => tap.tensor !== from.tensor && (group === "all" || tap.cut));
  requireRules(network, from, chosen);
  const moving = await movingWith(network, from, chosen);
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

function namesIn(list: string): string[] {
  const names = list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length > 0) return names;
  throw new PushforwardError("usage", {
    what: "No tap is given.",
    where: { option: "--taps" },
    fix: "Give names of taps, for example --taps conv1,relu1, or leave the option out for all taps.",
  });
}

/** @throws PushforwardError `op-unsupported` */
function requireRules(network: NetworkFile, from: Tap, taps: readonly Tap[]): void {
  const blocked = taps.filter((tap) => network.unsupported(from, tap).length > 0);
  if (blocked.length === 0) return;
  const missing = blocked.flatMap((tap) => network.unsupported(from, tap));
  const nodes = [...new Set(missing.map(({ node, op }) => `${node} (${op})`))];
  const ops = [...new Set(missing.map(({ op }) => op))];
  const reachable = taps.filter((tap) => !blocked.includes(tap)).map((tap) => tap.name);
  throw new PushforwardError("op-unsupported", {
    what: `There is no rule for ${ops.join(", ")}, which ${blocked.length} of ${taps.length} taps need. The nodes are ${nodes.join(", ")}.`,
    where: { file: network.file, node: missing[0]!.node, op: missing[0]!.op },
    fix:
      reachable.length > 0
        ? `These taps do not need them: --taps ${quoted(reachable.join(","))}.`
        : "All taps need them. CONTRIBUTING.md explains how to add a rule.",
  });
}

/** The taps whose derivative by the source is not zero by structure. */
async function movingWith(network: NetworkFile, from: Tap, taps: readonly Tap[]): Promise<Tap[]> {
  const ends = { sources: [from.tensor], targets: taps.map((tap) => tap.tensor) };
  const { program } = await linearize(network.model, ends, evaluateWith(network.backend));
  return taps.filter((_, i) => program.targets[i] !== undefined);
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
