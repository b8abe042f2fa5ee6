import { Command } from "commander";
import { formatUnsupported, operatorOf, type UnsupportedNode } from "../../autodiff/index.ts";
import { formatShape, PushforwardError } from "../../base/index.ts";
import { describeInput, productCost, type Tap } from "../../jacobian/index.ts";
import type { Structure } from "../../onnx/index.ts";
import { givenInputs } from "../library/given-inputs.ts";
import type { Network } from "../node/index.ts";
import { declaredInputs } from "../node/open-model.ts";
import { type OpeningOptions, opening, openNetwork } from "./opening.ts";
import { DEFAULT_K, threadCount, wholeNumber } from "./options.ts";
import { type PlanOptions, printPlan } from "./plan.ts";
import { formatTable } from "./table.ts";
import { treeOf } from "./tap-tree.ts";

interface InspectOptions extends PlanOptions, OpeningOptions {
  readonly plan?: boolean;
  readonly all?: boolean;
}

/** A network with more taps than this is shown as a tree of its modules, with the taps that matter most. */
const MANY = 40;

/**
 * `pushforward inspect MODEL`: lists taps, shapes, cuts, unsupported operators and the cost of a product, or predicts a
 * run.
 */
export function inspectCommand(): Command {
  return opening(new Command("inspect"))
    .description("list the inputs and taps of a model: shapes, cuts, operators without a rule, cost of a product")
    .argument("<model>", "ONNX file")
    .argument("[input]", "with --plan: a picture or an .npy array to rehearse at (default: random numbers)")
    .option("--all", `list every tap of a network that has more than ${MANY}`)
    .option("--plan", "predict the products, time and memory of `spectrum`")
    .option("--taps <names>", "with --plan: taps, as for `spectrum`", "all")
    .option("-k, --k <count>", `with --plan: triplets at each tap (default: ${DEFAULT_K})`, wholeNumber("-k", 1))
    .option("--inputs <count>", "with --plan: number of inputs of the run", wholeNumber("--inputs", 1), 1)
    .option("--preprocess <name>", "with --plan: how the picture is converted to an input, as for `spectrum`")
    .option("--threads <count>", "with --plan: threads for one product", threadCount("--threads"))
    .option("--json", "print one JSON object per line")
    .action(async (file: string, input: string | undefined, options: InspectOptions) => {
      if (input !== undefined && !options.plan) throw inputWithoutPlan(input);
      const network = await openNetwork(file, options).catch(async (cause: unknown) => {
        if (!options.plan) await tellDeclared(file, options);
        throw cause;
      });
      try {
        if (options.plan) await printPlan(network, input, options);
        else if (options.json) printLines(network);
        else process.stdout.write(describe(network, options.all ?? false));
      } finally {
        await network.close();
      }
    });
}

function inputWithoutPlan(input: string): PushforwardError {
  return new PushforwardError("usage", {
    what: "inspect needs no input, because the taps of a model are the same at every input.",
    where: { file: input },
    fix: "Leave the input out, or add --plan to predict the cost of a run at this input.",
  });
}

interface TapReport {
  readonly tap: Tap;
  /** The nodes between the source and the tap that cannot be differentiated. */
  readonly unsupported: readonly UnsupportedNode[];
  /** The inputs without a value that the tap depends on, with type and shape. */
  readonly unfed: readonly string[];
  /** Whether a path with a derivative leads from the source to the tap. */
  readonly moves: boolean;
  readonly multiplyAdds: number;
}

function inspectTaps(network: Network): TapReport[] {
  const { source } = network;
  return network.taps.map((tap) => ({
    tap,
    unsupported: network.unsupported(source, tap),
    unfed: network.missing(tap).map(describeInput),
    moves: network.moves(source, tap),
    multiplyAdds: productCost(network.model, source, tap),
  }));
}

const isSupported = ({ unsupported, unfed, moves }: TapReport): boolean =>
  moves && unsupported.length === 0 && unfed.length === 0;

function printLines(network: Network): void {
  for (const report of inspectTaps(network)) {
    const { tap, unsupported, unfed, multiplyAdds } = report;
    const ops = [...new Set(unsupported.map(({ op }) => op))];
    const reasons = unsupported.map((node) => formatUnsupported([node]));
    const line = { multiplyAdds, supported: isSupported(report), unsupported: ops, reasons, unfed };
    const inputs = network.inputs.map(({ name, type, shape, state }) => ({ name, type, shape, state }));
    process.stdout.write(
      `${JSON.stringify({ model: network.file, from: network.source.name, ...tap, ...line, inputs })}\n`,
    );
  }
}

function costOf({ unsupported, unfed, moves, multiplyAdds }: TapReport): string {
  if (unsupported.length > 0) return `needs ${[...new Set(unsupported.map(({ op }) => op))].join(", ")}`;
  if (unfed.length > 0) return "needs an input";
  return moves ? (multiplyAdds / 1e6).toPrecision(3) : "no derivative";
}

function describe(network: Network, all: boolean): string {
  const taps = inspectTaps(network);
  const shown = all || taps.length <= MANY ? taps : taps.filter(({ tap }) => matters(network, tap));
  const lines =
    taps.length <= MANY ? taps.map((row) => ({ name: row.tap.name, row })) : treeOf(shown, ({ tap }) => tap.name);
  const table = formatTable(
    ["tap", "op", "shape", "cut", "MMAC a product", "tensor"],
    lines.map(({ name: line, row }) => {
      if (row === undefined) return [line];
      const { name, op, shape, cut, tensor } = row.tap;
      return [line, op, formatShape(shape), cut ? "cut" : "", costOf(row), tensor === name ? "" : tensor];
    }),
    [4],
  );
  const notes = [
    "A tap is a cut if every path from the input to the output passes through it.",
    ...(taps.length > MANY ? ["The name of a tap is the path that leads to it, joined by dots."] : []),
    ...(shown.length < taps.length
      ? [`Cuts and layers with weights are shown; ${taps.length - shown.length} other taps are listed with --all.`]
      : []),
    ...notesOn(network, taps),
  ];
  return `${network.file}\n\n${inputTable(network)}${table}\n\n${notes.join(" ")}\n`;
}

/** Whether a tap is an input or output of the network, a cut, or what a layer with weights computes. */
function matters({ model: { onnx } }: Network, { tensor, op, cut }: Tap): boolean {
  const { nodes, outputs, initializers } = onnx.graph;
  if (cut || op === "Input" || outputs.some(({ name }) => name === tensor)) return true;
  const node = nodes.find((one) => one.outputs.includes(tensor));
  const weights = node && operatorOf(node)?.weights;
  if (node === undefined || typeof weights !== "object") return false;
  return weights.positions(node).some((position) => initializers.has(node.inputs[position] ?? ""));
}

/** The inputs, if there are several or the only one does not hold floats. */
function inputTable({ inputs, model }: Network): string {
  if (inputs.length === 1 && inputs[0]!.type === "float32") return "";
  const given = new Map(givenInputs(model).map((one) => [one.name, one]));
  const rows = inputs.map(({ name, type, shape, state }) => {
    const { value, sha256 } = given.get(name) ?? {};
    const says = {
      pictures: "pictures or arrays of the command",
      given: `given: ${value ?? `array ${sha256?.slice(0, 12)}`}`,
      missing: `must be given: --input ${name}=FILE.npy or a number`,
      unused: "not needed",
    };
    return [name, type, formatShape(shape), says[state]];
  });
  return `${formatTable(["input", "type", "shape", "value"], rows)}\n\n`;
}

/** What values of inputs decide of the graph, by node. */
function describeStructure({ decisions }: Structure): string {
  const nodes = [...new Set(decisions.map(({ node, op }) => `${op} "${node}"`))];
  const shown = nodes.slice(0, 4).join(", ") + (nodes.length > 4 ? ` and ${nodes.length - 4} more` : "");
  return `Values of the input decide what runs here, or which shapes tensors have: ${shown}. The list is for the input with which the network was opened (zeros unless given); at an input where they decide otherwise, the network has other taps or shapes.`;
}

/** The inputs as the file declares them, for a model that cannot be opened without more shapes or values. */
async function tellDeclared(file: string, { input, json }: InspectOptions): Promise<void> {
  const inputs = await declaredInputs(file).catch(() => []);
  if (inputs.length < 2) return;
  const declared = inputs.map(({ name, type = "float32", shape = ["?"] }) => ({ name, type, shape }));
  if (json) process.stdout.write(`${JSON.stringify({ model: file, inputs: declared })}\n`);
  else {
    const rows = declared.map(({ name, type, shape }) => [
      name,
      type,
      shape.map((extent) => (typeof extent === "number" && extent <= 0 ? "?" : extent)).join("×") || "scalar",
      input?.has(name) ? `given: ${input.get(name)}` : "",
    ]);
    process.stdout.write(`${file}\n\n${formatTable(["input", "type", "shape", "value"], rows)}\n\n`);
  }
}

function notesOn({ input, source, inputs, model }: Network, taps: readonly TapReport[]): string[] {
  const missing = [...new Set(taps.flatMap(({ unsupported }) => unsupported))];
  const unfed = [...new Set(taps.flatMap((report) => report.unfed))];
  const others = taps.filter(({ tap }) => tap.op !== "Input");
  const notes: string[] = [];
  const { type } = inputs.find(({ name }) => name === input.tensor)!;
  if (model.quantized !== undefined)
    notes.push("Where the network rounds to quantized numbers, tangents pass as if nothing were rounded.");
  if (source !== input) {
    notes.push(
      `The input ${input.name} holds ${type}, so derivatives are taken with respect to ${source.name} (--from ${source.name}).`,
    );
  }
  if (missing.length > 0)
    notes.push(`Taps that need these nodes cannot be differentiated. ${formatUnsupported(missing)}`);
  if (unfed.length > 0) {
    notes.push(`Taps that need these inputs cannot be computed until they are given by --input: ${unfed.join(", ")}.`);
  }
  if (model.structure !== undefined) notes.push(describeStructure(model.structure));
  if (others.every(isSupported)) notes.push("Every tap can be differentiated.");
  return notes;
}
