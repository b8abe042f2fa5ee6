import { expect, test } from "vitest";
import { exitCodes } from "../../src/base/index.ts";
import { presets } from "../../src/images/index.ts";
import { studies } from "../../src/studies/index.ts";
import { pushforward } from "../apps/command-line.ts";
import { fencesOf, pages, readPage } from "./markdown.ts";

const page = readPage("docs/command-line.md");
const withoutHelp = (name: string) => name !== "help" && name !== "--help";
const help = async (...command: readonly string[]) => (await pushforward([...command, "--help"])).stdout;
/** The commands, each with the long names of its options, as the program's own help lists them. */
const commands = new Map<string, readonly string[]>();
for (const [, name] of (await help()).split("Commands:")[1]!.matchAll(/^ {2}(\w+)/gm)) {
  if (!withoutHelp(name!)) continue;
  const options = [...(await help(name!)).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+(?:, --[a-z-]+)*)/gm)];
  commands.set(name!, options.flatMap(([, names]) => names!.split(", ")).filter(withoutHelp));
}

/** The part of the page under a command's heading. */
const sectionOf = (command: string): string =>
  page.split(/^## /m).find((section) => section.startsWith(`${command}\n`)) ?? "";

test("every command has its section", () => {
  const sections = [...page.matchAll(/^## ([a-z]\w*)$/gm)].map(([, name]) => name!);
  expect(sections.sort()).toEqual([...commands.keys()].sort());
});

test.each([...commands])("%s: the page lists its options and no other", (command, options) => {
  const rows = [...sectionOf(command).matchAll(/^\| `(?:-\w, )?(--[a-z-]+(?:, --[a-z-]+)*)/gm)];
  const listed = rows.flatMap(([, names]) => names!.split(", "));
  expect(listed.sort()).toEqual([...options].sort());
});

const shown = pages
  .flatMap((name) => fencesOf(readPage(name)).filter(({ info }) => info === "sh"))
  .flatMap(({ text }) => [...text.replaceAll("\\\n", " ").matchAll(/npx pushforward (\w+)([^#\n]*)/g)])
  .map(([, command, rest]) => ({
    command: command!,
    options: [...rest!.matchAll(/--[a-z-]+/g)].map(([name]) => name),
  }));

test("the pages show every command", () => {
  expect(new Set(shown.map(({ command }) => command))).toEqual(new Set(commands.keys()));
});

test.each(shown)("what the pages show exists: $command $options", ({ command, options }) => {
  expect(commands.get(command)).toEqual(expect.arrayContaining(options));
});

test("every study and its parameters are told, with their defaults", () => {
  const section = sectionOf("study");
  const told = (value: unknown) => [value].flat().join(", ");
  for (const { id, params } of studies) {
    expect(section).toContain(`| \`${id}\` |`);
    for (const [name, param] of Object.entries(params)) {
      const cells = [`\`${id}\``, `\`${name}\``, param.about, told(param.default), told(param.quick ?? param.default)];
      expect(section).toContain(`| ${cells.join(" | ")} |`);
    }
  }
});

test("every exit code and every preset is told", () => {
  const rows = new Set([...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code)));
  for (const code of [0, 1, 70, ...Object.values(exitCodes)]) expect(rows).toContain(code);
  for (const name of Object.keys(presets)) expect(readPage("docs/preprocessing.md")).toContain(`| \`${name}\` |`);
});
