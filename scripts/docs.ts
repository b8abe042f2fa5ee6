// Brings the documents up to date: writes docs/ops.md, docs/bench.md and the costs of many machines, and after each example what it prints:
// `npm run docs`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { linearize, transpose } from "../src/autodiff/index.ts";
import { linearOps } from "../src/autodiff/linear-ops/table.ts";
import { differentiable, families } from "../src/autodiff/operators/index.ts";
import { machineLearning } from "../src/autodiff/operators/machine-learning.ts";
import { constant } from "../src/autodiff/rule.ts";
import { composites } from "../src/onnx/composites/index.ts";
import { operatorKey } from "../src/onnx/index.ts";
import { withoutRule } from "../src/onnx/without-rule.ts";
import { examplesOf, printedBy } from "../test/docs/examples.ts";
import { pages, readPage, root } from "../test/docs/markdown.ts";
import { disagreement } from "../test/docs/printed.ts";
import { evaluate64 } from "../test/reference/interpret.ts";
import { compositeFamilies } from "../test/rows/composites/index.ts";
import { rows } from "../test/rows/index.ts";
import { problemOf } from "../test/rows/problem.ts";
import type { Row } from "../test/rows/row.ts";
import { benchPage } from "./bench-page.ts";
import { withCosts } from "./fleet-costs.ts";

const MANY_MACHINES = "docs/many-machines.md";

const link = (file: string) => `[\`${file}\`](../${file})`;
const code = (names: Iterable<string>) => [...names].map((name) => `\`${name}\``).join(", ");
const table = (head: readonly string[], body: readonly (readonly string[])[]) =>
  [head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Linear operations that the rows' programs, or those of their transposes, are made of, in the order of the table. */
async function operationsOf(tried: readonly Row[], ofTranspose: boolean): Promise<string[]> {
  const met = new Set<string>();
  for (const row of tried) {
    const { model, sources, targets } = problemOf(row);
    const { program } = await linearize(model, { sources, targets }, evaluate64);
    for (const { op } of (ofTranspose ? transpose(program) : program).steps) met.add(op);
  }
  return Object.keys(linearOps).filter((op) => met.has(op));
}

/** The page of differentiable, from the tables of rules, of linear operations and of test rows. */
export async function opsPage(): Promise<string> {
  const single = (op: string) => rows.filter((row) => "op" in row && row.op === op);
  const inGraphs = (op: string) => rows.filter((row) => "nodes" in row && row.nodes.some((node) => node.op === op));
  const familyTables: string[] = [];
  for (const [family, entries] of Object.entries(families)) {
    const body: string[][] = [];
    for (const [op, { rule, kinks, keeps, float64 }] of Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const still = rule === constant;
      const [forward, backward] = [await operationsOf(single(op), false), await operationsOf(single(op), true)];
      body.push([
        `\`${op}\``,
        still ? "constant" : "rule",
        kinks ?? "",
        keeps ?? "",
        typeof float64 === "function" ? "rewritten" : (float64 ?? "kernel"),
        String(single(op).length),
        String(inGraphs(op).length),
        still ? "" : code(forward),
        still ? "" : code(backward),
      ]);
    }
    const head = ["op", "derivative", "kinks", "keeps", "float64", "rows", "in graphs", "J records", "Jᵀ records"];
    familyTables.push(
      `### ${family}\n\n${link(`src/autodiff/operators/${family}.ts`)}, ${link(`test/rows/${family}.ts`)}\n\n${table(head, body)}`,
    );
  }
  const operations: string[][] = [];
  const users = new Map<string, string[]>();
  for (const op of Object.keys(differentiable).sort()) {
    for (const name of await operationsOf(single(op), false)) users.set(name, [...(users.get(name) ?? []), op]);
  }
  for (const name of Object.keys(linearOps)) {
    const used = users.get(name) ?? [];
    const shown = used.length > 8 ? `${code(used.slice(0, 8))} and ${used.length - 8} more` : code(used);
    operations.push([`\`${name}\``, shown === "" ? "only transposes" : shown]);
  }
  const compositeRows = Object.values(compositeFamilies).flat();
  const compositeTable = Object.keys(composites)
    .sort()
    .map((key) => {
      const own = compositeRows.filter((row) => operatorKey(row) === key);
      const reasons = new Set(own.flatMap(({ withoutForward }) => withoutForward ?? []));
      return [`\`${key}\``, String(own.length), [...reasons].join("; ")];
    });
  const moving = Object.values(differentiable).filter(({ rule }) => rule !== constant).length;
  const total = Object.keys(differentiable).length;
  return `<!-- Written by \`npm run docs\` from the tables in the code. Do not edit this page; change the tables. -->

# Operators

${total} operators have a rule. ${moving} of them have a derivative; the other ${total - moving} are
*constant*: their derivative is always zero, and costs nothing. Operators that \`normalize\` splits into others need no rule of their own:
[composites](#composites). Operators of quantized numbers become operators of floats around the two of the family *quantized*, which
stand for rounding and are not ONNX's; tangents pass them only with \`--quantized straight-through\`.

*Kinks* says where the derivative jumps: at *neurons*, or in *windows* of which several entries share the extreme. *Keeps* says to
what the values of the primal pass belong that the derivative needs, if they depend on the point. *float64* says how the pass in
float64 computes it: ONNX Runtime has a *kernel* (or one whose *first output* alone is float64), or the node is *rewritten* with
operators that have one, or there is *none* and it runs in float32.

A *row* is an operator with inputs to test it on. All laws are tested for each of the ${rows.length} rows: see
[CONTRIBUTING](../CONTRIBUTING.md#the-laws). *In graphs* is the number of rows with several nodes that include the operator.
*J records* and *Jᵀ records* list the linear operations in its programs and in their transposes, over all rows.

## Entries

${familyTables.join("\n\n")}

## Linear operations

Every derivative consists of operations from one closed table, ${link("src/autodiff/linear-ops/table.ts")}: shape, transpose, emission
as ONNX, a direct float64 evaluation, and whether it keeps entries apart. ${link("src/autodiff/program.ts")} explains the meaning of
each column.

${table(["operation", "recorded by the rules of"], operations)}

## Composites

These operators are written with others before ONNX Runtime sees them, in [\`src/onnx/composites\`](../src/onnx/composites). On their rows
([\`test/rows/composites\`](../test/rows/composites)) the derivative is compared with differences of their definition, and the values with ONNX
Runtime's own kernel; the last column says where that is not possible.

${table(["operator", "rows", "not compared with ONNX Runtime"], compositeTable)}

Operators of quantized numbers become operators of floats in [\`src/onnx/quantized\`](../src/onnx/quantized). These operators have no rule, and
\`inspect\`, \`check\` and errors give the same reason; tangents end at others that are not listed here, which read or give whole numbers, truth
values or texts:

${table(
  ["operator", "reason"],
  [...withoutRule].map(([key, reason]) => [code([key]), reason]),
)}

Random numbers (Bernoulli, Multinomial, the operators of random tensors, Dropout in training) are drawn once, when the graph is opened: the seed
and the name of the node determine them, and derivatives hold them fixed. What the body of a loop draws is not fixed, and has no rule.

## Constant operators of ai.onnx.ml

Their outputs are steps of their inputs, so that their derivative is zero: ${code(Object.keys(machineLearning))}.
`;
}

/** Puts what each example of a page prints now in the place of what it says, where the two disagree. */
async function refreshExamples(page: string): Promise<void> {
  const printed = await printedBy(page);
  const lines = readPage(page).split("\n");
  for (const [i, { block, expected }] of [...examplesOf(page).entries()].reverse()) {
    const found = printed[i]?.trimEnd();
    if (found === undefined || disagreement(found, expected?.text ?? "") === undefined) continue;
    if (expected === undefined) throw new Error(`${page}:${block.line} prints something: put a block of text after it`);
    lines.splice(expected.line, expected.text.split("\n").length, ...found.split("\n"));
  }
  writeFileSync(join(root, page), lines.join("\n"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(root, "docs/ops.md"), await opsPage());
  writeFileSync(join(root, "docs/bench.md"), benchPage());
  writeFileSync(join(root, MANY_MACHINES), withCosts(readPage(MANY_MACHINES)));
  for (const page of pages) if (examplesOf(page).length > 0) await refreshExamples(page);
}
