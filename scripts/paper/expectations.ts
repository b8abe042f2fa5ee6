// What was expected before the runs (docs/notes/controls.md), held against what came out.
import type { PaperRecord } from "./records.ts";
import { controlOf, type Found, foundOf, MAIN, networksOf } from "./tests.ts";
import { markdownTable, named } from "./words.ts";

type Expected = "supported" | "not supported" | "open";

/** A row of the note's table. */
interface Expectation {
  readonly claim: string;
  /** The tests that it is about: their ids, or how these begin. */
  readonly ids: readonly string[];
  readonly trained: Expected;
  readonly control: Expected;
  readonly difference: "training adds" | "training takes away" | "no expectation";
}

/** In the order of the note. */
export const expectations: readonly Expectation[] = [
  row("spectra become steeper along the layers", ["steeper"], "supported", "supported", "training takes away"),
  row("few singular values are large at the last layer", ["few"], "supported", "supported", "no expectation"),
  row("vectors of larger σ are smaller", ["area", "spread"], "supported", "supported", "training takes away"),
  row("singular values shrink with noise", ["shrinks-"], "supported", "not supported", "training adds"),
  row(
    "they shrink where the class becomes uncertain",
    ["with-the-class"],
    "supported",
    "not supported",
    "training adds",
  ),
  row("active neurons, not normalizers or pools, change J", ["cause"], "open", "open", "no expectation"),
  row(
    "noise along the first vectors moves the output more",
    ["moves-more"],
    "supported",
    "supported",
    "no expectation",
  ),
  row(
    "noise along the first vectors changes the class more often",
    ["changes-class"],
    "supported",
    "supported",
    "no expectation",
  ),
  row(
    "differences within a class are erased more than those between",
    ["classes-grow-more", "classes-in-span"],
    "supported",
    "not supported",
    "training adds",
  ),
  row("classes part along the layers", ["classes-part"], "supported", "not supported", "training adds"),
  row(
    "images spread in fewer directions at the last tap",
    ["fewer-directions"],
    "open",
    "supported",
    "training takes away",
  ),
  row(
    "first vectors hold tangents and directions to neighbours",
    ["tangents", "neighbours"],
    "open",
    "open",
    "training adds",
  ),
];

function row(
  claim: string,
  ids: readonly string[],
  trained: Expected,
  control: Expected,
  difference: Expectation["difference"],
): Expectation {
  return { claim, ids, trained, control, difference };
}

const isAbout = (ids: readonly string[], id: string) =>
  ids.some((name) => (name.endsWith("-") ? id.startsWith(name) : id === name));

type Fate = "met" | "contradicted" | "open";

/** One table: for each claim and network, whether the expectations of the control and of the difference were met. */
export function expectationTable(records: readonly PaperRecord[]): string {
  const networks = networksOf(records);
  const rows = expectations.map(({ claim, ids, trained, control, difference }) => [
    claim,
    `${trained} / ${control} / ${difference}`,
    ...networks.map((network) => {
      const found = foundOf(records, ({ id }) => isAbout(ids, id)).filter((each) => each.network === network);
      if (found.length === 0) return "–";
      const fates = [
        tally(found.map(({ verdict }) => fateOf(trained, verdict.verdict))),
        tally(found.map((each) => fateOf(control, controlOf(each)?.verdict))),
        tally(found.map((each) => fateOfDifference(difference, each))),
      ];
      return fates.every((fate) => fate === "–") ? "–" : fates.join(" / ");
    }),
  ]);
  return markdownTable(named("claim", "expected: trained / control / difference", ...networks), rows);
}

/** A verdict against what was expected; `undefined` if nothing was expected or nothing was measured. */
export function fateOf(expected: Expected, verdict: string | undefined): Fate | undefined {
  if (expected === "open" || verdict === undefined) return undefined;
  if (verdict === "undecided") return "open";
  if (expected === "not supported") return verdict === "supported" ? "contradicted" : "met";
  if (verdict === "supported") return "met";
  return verdict === "contradicted" ? "contradicted" : "open";
}

function fateOfDifference(expected: Expectation["difference"], found: Found): Fate | undefined {
  const difference = controlOf(found)?.difference;
  if (expected === "no expectation" || difference === undefined) return undefined;
  if (difference === expected) return "met";
  return difference === "training adds" || difference === "training takes away" ? "contradicted" : "open";
}

/** `met`, or `4 met, 1 open` of several tests; `–` where nothing was expected. */
function tally(fates: readonly (Fate | undefined)[]): string {
  const known = fates.flatMap((fate) => fate ?? []);
  if (known.length === 0) return "–";
  if (new Set(known).size === 1) return `**${known[0]}**`;
  const counts = (["met", "contradicted", "open"] as const).map((fate) => ({
    fate,
    count: known.filter((each) => each === fate).length,
  }));
  return counts.flatMap(({ fate, count }) => (count === 0 ? [] : [`${count} ${fate}`])).join(", ");
}

/** How the page tells the table. */
export const aboutExpectations = `[The note on controls](notes/controls.md) says, for each claim, what was expected before any run: the verdict of the trained network,
that of the ${MAIN} control, and the difference. A cell has what became of the three: **met**, **contradicted** if the outcome lies on
the other side, **open** if no difference is shown or nothing is decided, and – where nothing was expected or measured. Expected *not
supported* is contradicted by *supported*, and expected *supported* by *contradicted*.`;
