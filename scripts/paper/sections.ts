// The sections of the claims: the tests of each, with the numbers and verdicts of every network and control.
import { type ClaimName, claims } from "../../src/studies/index.ts";
import type { PaperFigure } from "./figures.ts";
import type { PaperRecord } from "./records.ts";
import { claimNames, type Found, foundOf, headings, type Test, tests } from "./tests.ts";
import { between, markdownTable, sizeOf } from "./words.ts";

/** One section a claim of the paper. */
export function sections(records: readonly PaperRecord[], figures: readonly PaperFigure[]): string {
  return claimNames
    .map((name) =>
      section(
        name,
        records,
        figures.filter(({ on }) => on === name),
      ),
    )
    .join("\n\n");
}

function section(name: ClaimName, records: readonly PaperRecord[], figures: readonly PaperFigure[]): string {
  const { said, where } = claims[name];
  const parts = Object.entries(tests).flatMap(([id, test]) => {
    const found = test.on === name ? foundOf(records, (verdict) => verdict.id === id) : [];
    return found.length === 0 ? [] : [testPart(test, found)];
  });
  const found = parts.length === 0 ? ["Not measured."] : parts;
  return [`## ${headings[name]}`, `The paper, ${where}: ${said}`, ...found, ...figuresOf(figures)].join("\n\n");
}

/** A row for each network, and one for each of its controls; below them what exactly was tested. */
function testPart({ title, number }: Test, found: readonly Found[]): string {
  const { sign, none } = found[0]!.verdict.effect;
  const rows = found.flatMap(({ network, verdict }) => {
    const { effect, numbers, controls } = verdict;
    return [
      [
        network,
        "trained",
        cellOf(numbers),
        sizeOf(numbers.measure, effect.standsFor),
        `**${verdict.verdict}**`,
        "",
        "",
      ],
      ...controls.map((control) => {
        const [least, most] = control.differences;
        const { measure } = control.numbers;
        const outcome = `**${control.difference}**`;
        return [
          network,
          control.kind,
          cellOf(control.numbers),
          sizeOf(measure),
          control.verdict,
          between(least, most),
          outcome,
        ];
      }),
    ];
  });
  const table = markdownTable(
    [
      ...[{ name: "network" }, { name: "weights" }, { name: "number (95 % interval)" }, { name: "n", right: true }],
      ...[{ name: "verdict" }, { name: "trained − control (95 % interval)" }, { name: "what training does" }],
    ],
    rows,
  );
  const asked = `The number is ${number}. The claim asks that it is ${sign > 0 ? "above" : "below"} ${none}.`;
  return `### ${title}\n\n${asked}\n\n${table}\n\n${details(found)}`;
}

/** The number; where the claim is one of all indices, also the least; where only bounds are known, both. */
function cellOf({ measure, weakest, atMost }: Found["verdict"]["numbers"]): string {
  const range =
    atMost === undefined || Object.is(atMost.value, measure.value)
      ? between(measure)
      : `at least ${between(measure)}, at most ${between(atMost)}`;
  return weakest === undefined ? range : `${range}; weakest ${between(weakest)}`;
}

/** What was tested in each network, once for all that share it. */
function details(found: readonly Found[]): string {
  const texts = new Map<string, string[]>();
  for (const { network, verdict } of found) {
    const { claim, because, effect, numbers } = verdict;
    const isKnown = !Number.isNaN(numbers.measure.value);
    const weakest =
      effect.weakest === undefined ? "" : ` The weakest is that ${effect.weakest}, which must agree for *supported*.`;
    const note = effect.note === undefined ? "" : ` ${effect.note}`;
    const text = `${claim} ${isKnown ? `Number: ${lowerFirst(effect.what)}.${weakest}${note}` : because}`;
    texts.set(text, [...(texts.get(text) ?? []), network]);
  }
  return [...texts].map(([text, networks]) => `- *${networks.join(", ")}*: ${text}`).join("\n");
}

const lowerFirst = (text: string) => `${text[0]!.toLowerCase()}${text.slice(1)}`;

/** The figures of one claim, two side by side, with their caption below. */
function figuresOf(figures: readonly PaperFigure[]): string[] {
  if (figures.length === 0) return [];
  const pairs = Array.from({ length: Math.ceil(figures.length / 2) }, (_, i) => figures.slice(2 * i, 2 * i + 2));
  const tables = pairs.map((pair) =>
    markdownTable(
      pair.map(({ network }) => ({ name: network })),
      [pair.map(({ network, file, title }) => `![${title}, ${network}](${file})`)],
    ),
  );
  return [...tables, `${figures[0]!.caption} Drawn from the tables below.`];
}
