// The first page: what the paper saw, what a control sees, and what training adds.
import { type ClaimName, claims } from "../../src/studies/index.ts";
import type { PaperFigure } from "./figures.ts";
import type { PaperRecord } from "./records.ts";
import { anchorOf, claimNames, controlOf, type Found, foundOf, headings, MAIN, networksOf, tests } from "./tests.ts";
import { between, type Interval, listed, markdownTable, named, sizeOf } from "./words.ts";

/** The counts of all tests, one row a claim, and what was found of each claim in a few sentences. */
export function opening(records: readonly PaperRecord[], figures: readonly PaperFigure[]): string {
  return `${counts(records)}

${markdownTable(
  named(
    "the paper says",
    "trained networks support it",
    `${MAIN} controls support it`,
    "what training does",
    "figures",
  ),
  claimNames.map((name) => rowOf(name, records, figures)),
)}

A network supports a claim if all its tests do, and *in part* if some do. Training *adds* to a claim in a network if it adds in at
least one test and takes away in none, and the other way round; it does *both* if its tests differ. A network in which no test can be
decided is *undecided*.

${claimNames.map((name) => told(name, records)).join("\n")}`;
}

/** What all tests together gave. */
function counts(records: readonly PaperRecord[]): string {
  const all = foundOf(records, () => true);
  const supported = all.filter(({ verdict }) => verdict.verdict === "supported").length;
  const own = `${all.length} claims were tested in ${networksOf(records).length} networks (${listed(networksOf(records))}). The trained network supports ${supported} of them.`;
  const held = all.flatMap((found) => controlOf(found) ?? []);
  if (held.length === 0) return `${own} None has been compared with a control yet.`;
  const count = (difference: string) => held.filter((control) => control.difference === difference).length;
  return (
    `${own} ${held.length} were compared with the ${MAIN} control, which supports ${held.filter(({ verdict }) => verdict === "supported").length} without any training. ` +
    `Training adds to ${count("training adds")} and takes away from ${count("training takes away")}; for ${count("no difference shown")} no difference is shown, ` +
    `and ${count("undecided")} cannot be decided.`
  );
}

function rowOf(name: ClaimName, records: readonly PaperRecord[], figures: readonly PaperFigure[]): string[] {
  const byNetwork = networksOf(records)
    .map((network) => foundOf(records, ({ on }) => on === name).filter((found) => found.network === network))
    .filter((found) => found.length > 0);
  const controls = byNetwork
    .map((found) => found.flatMap((each) => controlOf(each) ?? []))
    .filter((found) => found.length > 0);
  return [
    `[${headings[name]}](#${anchorOf(headings[name])})`,
    support(byNetwork.map((found) => found.map(({ verdict }) => verdict.verdict))),
    support(controls.map((found) => found.map(({ verdict }) => verdict))),
    training(controls.map((found) => found.map(({ difference }) => difference))),
    figures
      .filter(({ on }) => on === name)
      .map(({ network, file }) => `[${network}](${file})`)
      .join(", ") || "–",
  ];
}

/** `2 of 4, 1 in part`: how many networks support a claim, from the verdicts of their tests. */
function support(networks: readonly (readonly string[])[]): string {
  if (networks.length === 0) return "–";
  const isSupported = (verdict: string) => verdict === "supported";
  const all = networks.filter((verdicts) => verdicts.every(isSupported)).length;
  const part = networks.filter((verdicts) => verdicts.some(isSupported)).length - all;
  return `**${all}** of ${networks.length}${part === 0 ? "" : `, ${part} in part`}`;
}

/** `adds in 2, takes away in 1`: in how many networks. */
function training(networks: readonly (readonly string[])[]): string {
  const kinds = networks.map((differences) => {
    const has = (difference: string) => differences.includes(difference);
    if (has("training adds")) return has("training takes away") ? "both in" : "**adds** in";
    if (has("training takes away")) return "**takes away** in";
    return has("no difference shown") ? "no difference shown in" : "undecided in";
  });
  const counted = ["**adds** in", "**takes away** in", "both in", "no difference shown in", "undecided in"]
    .map((kind) => ({ kind, count: kinds.filter((each) => each === kind).length }))
    .filter(({ count }) => count > 0);
  return counted.map(({ kind, count }) => `${kind} ${count}`).join(", ") || "–";
}

/** The first test of a claim: how many networks support it, what training does, and the numbers of every network. */
function told(name: ClaimName, records: readonly PaperRecord[]): string {
  const start = `- **${headings[name]}** (${claims[name].where}).`;
  const first = Object.entries(tests).find(
    ([id, { on }]) => on === name && foundOf(records, (verdict) => verdict.id === id).length > 0,
  );
  if (first === undefined) return `${start} Not measured.`;
  const [id, { title, number }] = first;
  const found = foundOf(records, (verdict) => verdict.id === id);
  const { sign, none } = found[0]!.verdict.effect;
  const compared = found.flatMap((each) => controlOf(each) ?? []);
  const share = (verdicts: readonly { readonly verdict: string }[]) =>
    `${verdicts.filter(({ verdict }) => verdict === "supported").length} of ${verdicts.length}`;
  const controls = compared.length === 0 ? "" : ` and ${share(compared)} ${MAIN} controls`;
  return [
    `${start} *${title}*: ${share(found.map(({ verdict }) => verdict))} trained networks${controls} support it.`,
    whatTrainingDoes(found),
    `Measured is ${number}, which the claim asks to be ${sign > 0 ? "above" : "below"} ${none}: ${numbersOf(found)}.`,
  ].join(" ");
}

const outcomes = [
  ["training adds", "Training adds to it in"],
  ["training takes away", "Training takes away from it in"],
  ["no difference shown", "No difference is shown in"],
  ["undecided", "The difference is undecided in"],
] as const;

function whatTrainingDoes(found: readonly Found[]): string {
  const sentences = outcomes.flatMap(([difference, words]) => {
    const those = found.filter((each) => controlOf(each)?.difference === difference).map(({ network }) => network);
    return those.length === 0 ? [] : [`${words} ${listed(those)}.`];
  });
  return sentences.join(" ") || "No control has been measured.";
}

/** `**net** 0.5 with training, 0.75 in the control, difference −0.25 (−0.3 to −0.2; n = 8 × 6)` */
function numbersOf(found: readonly Found[]): string {
  const known = found.filter(({ verdict }) => !Number.isNaN(verdict.numbers.measure.value));
  const parts = known.map((each) => {
    const { network, verdict } = each;
    const own = `**${network}** ${rough(verdict.numbers.measure, verdict.numbers.atMost)}`;
    const control = controlOf(each);
    if (control === undefined) return own;
    const { measure, atMost } = control.numbers;
    const [least, most] = control.differences;
    const n = `n = ${sizeOf(least)}`;
    const difference = between(least, most);
    const withSize = difference.endsWith(")") ? `${difference.slice(0, -1)}; ${n})` : `${difference} (${n})`;
    return `${own} with training, ${rough(measure, atMost)} in the control, difference ${withSize}`;
  });
  return parts.join("; ") || "not known of any network";
}

/** A number without its interval, which is in the table of the claim's section. */
function rough(least: Interval, most: Interval = least): string {
  const alone = ({ value }: Interval) => between({ value, low: Number.NaN, high: Number.NaN, n: 1 });
  return Object.is(least.value, most.value) ? alone(least) : `${alone(least)} to ${alone(most)}`;
}
