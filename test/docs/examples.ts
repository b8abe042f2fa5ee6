import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { pushforward } from "../apps/command-line.ts";
import { hasOnnxRuntime, hasXarray, python } from "../support/python.ts";
import { type Fence, fencesOf, readPage, root } from "./markdown.ts";

const run = promisify(execFile);
/** Printed after each block, so that what it printed can be told apart. */
const END = "⁂ end of block";

const library = "src/apps/node/index.ts";
const packageSources: Readonly<Record<string, string>> = { pushforward: library, "pushforward/node": library };

/** A block that runs, with the block of text right after it: what the page says that it prints. */
export interface Example {
  readonly block: Fence;
  readonly expected: Fence | undefined;
}

/** Blocks of these run; those of `sh` if their files are there, under `examples/`. (`ts src/…` quotes a file.) */
const runs = ({ info, text }: Fence) =>
  info === "ts" || info === "python" || (info === "sh" && text.startsWith("npx") && text.includes("examples/"));

/** The examples of a page in order. */
export function examplesOf(page: string): Example[] {
  const fences = fencesOf(readPage(page));
  return fences
    .map((block, i) => {
      const next = fences[i + 1];
      return { block, expected: next?.followsDirectly && next.info === "text" ? next : undefined };
    })
    .filter(({ block }) => runs(block));
}

/** The blocks of one language as one program; each ends with a line that is told apart. */
function programOf(page: string, language: string, print: string): string {
  const blocks = examplesOf(page).filter(({ block }) => block.info === language);
  return blocks.map(({ block }) => `${block.text}\n${print}(${JSON.stringify(END)})\n`).join("");
}

/** The `ts` blocks of a page as one module; imports lead to the sources, relative ones as from the page's own folder. */
export function moduleOf(page: string): string {
  const folder = dirname(join(root, page));
  const locate = (from: string) => {
    const file = packageSources[from] ?? (from.startsWith(".") ? resolve(folder, from) : undefined);
    return file === undefined ? from : resolve(root, file);
  };
  return programOf(page, "ts", "console.log").replace(/(?<=^import .* from ")[^"]+(?=")/gm, locate);
}

/**
 * What each example of a page prints, in their order; `undefined` for Python where it lacks what it needs. Commands run
 * first, then TypeScript, then Python, in a new folder in which `examples/` is that of the repository.
 */
export async function printedBy(page: string): Promise<(string | undefined)[]> {
  const folder = await mkdtemp(join(tmpdir(), "pushforward-docs-"));
  await symlink(join(root, "examples"), join(folder, "examples"));
  const examples = examplesOf(page);
  const has = (language: string) => examples.some(({ block }) => block.info === language);
  const program = async (command: string, ...args: readonly string[]) =>
    (await run(command, args, { cwd: folder })).stdout.split(`${END}\n`).values();
  try {
    const commands: string[] = [];
    for (const { block } of examples) if (block.info === "sh") commands.push(await runCommands(block.text, folder));
    const module = join(folder, "page.mts");
    const inPython = programOf(page, "python", "print");
    await writeFile(module, moduleOf(page));
    const printed: Record<string, Iterator<string> | undefined> = {
      sh: commands.values(),
      ts: has("ts") ? await program(process.execPath, "--import", import.meta.resolve("tsx"), module) : undefined,
      python: has("python") && canRun(inPython) ? await program(python, "-c", inPython) : undefined,
    };
    return examples.map(({ block }) => printed[block.info]?.next().value);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const canRun = (program: string): boolean => (program.includes("import onnxruntime") ? hasOnnxRuntime() : hasXarray());

/** Runs lines `npx pushforward …`, by the compiled command line. */
async function runCommands(text: string, cwd: string): Promise<string> {
  let printed = "";
  for (const line of text.replaceAll("\\\n", " ").split("\n")) {
    const [, command] = /^npx pushforward ([^#]*)/.exec(line) ?? [];
    if (command === undefined) throw new Error(`this is no command of Pushforward: ${line}`);
    const { code, stdout, stderr } = await pushforward(command.trim().split(/\s+/), { cwd });
    if (code !== 0) throw new Error(`${line} ended with code ${code}:\n${stderr}`);
    printed += stdout;
  }
  return printed;
}
