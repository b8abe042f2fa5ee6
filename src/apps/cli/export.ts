import { resolve } from "node:path";
import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import type { ValueInfo } from "../../onnx/index.ts";
import { choosePreset } from "../node/choose-preset.ts";
import { type DerivativeFile, type DerivativeKind, exportDerivative, type Network } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { loadInputs } from "./inputs.ts";
import { type OpeningOptions, opening, openNetwork } from "./opening.ts";
import { threadCount } from "./options.ts";
import { requireMain } from "./prepare.ts";
import { formatTable } from "./table.ts";

interface ExportCommandOptions extends OpeningOptions {
  readonly jvp?: boolean;
  readonly vjp?: boolean;
  readonly linear?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly withPrimal?: boolean;
  readonly at?: string;
  readonly float64?: boolean;
  readonly preprocess?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** `pushforward export MODEL --jvp|--vjp|--linear`: the derivative between two taps as an ONNX file. */
export function exportCommand(version: string): Command {
  return opening(new Command("export"))
    .description("write the derivative between two taps as an ONNX file, which ONNX Runtime runs in any language")
    .argument("<model>", "ONNX file")
    .option("--jvp", "J·v: the product with tangents at the source")
    .option("--vjp", "Jᵀ·u: the product with cotangents at the target")
    .option("--linear", "the pass at a point: the value of the target, and the values that J keeps")
    .option("--from <tap>", "source of the Jacobian, a tap or the name of a weight (default: the input of the network)")
    .option("--to <tap>", "target of the Jacobian (default: the output of the network)")
    .option(
      "--with-primal",
      "with --jvp or --vjp: take the inputs of the network, and compute what J keeps in the file",
    )
    .option("--at <file>", "with --jvp or --vjp: J at one point, a picture or an .npy array; what it keeps is constant")
    .option("--float64", "compute the pass in the file in float64, as Pushforward does itself (default: float32)")
    .option("--preprocess <name>", "with --at: how the picture is converted to an input, as for `spectrum`")
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"))
    .requiredOption("--out <file>", "ONNX file to write")
    .option("--json", "print the inputs, outputs and metadata as one JSON object")
    .action((file: string, options: ExportCommandOptions) => writeDerivative(file, options, version));
}

async function writeDerivative(file: string, options: ExportCommandOptions, version: string): Promise<void> {
  const { from, to, withPrimal = false, float64 = false, out } = options;
  const kind = kindOf(options);
  if (resolve(out) === resolve(file)) {
    throw new PushforwardError("usage", {
      what: "The derivative would be written over the network itself.",
      where: { file, option: "--out" },
      fix: "Name another file with --out.",
    });
  }
  const network = await openNetwork(file, options);
  try {
    const at = options.at === undefined ? undefined : await pointAt(network, options.at, options.preprocess);
    const ends = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const asked = { kind, ...ends, withPrimal, float64, ...(at === undefined ? {} : { at }) };
    const derivative = await exportDerivative(network, asked, version);
    await derivative.write(out);
    process.stdout.write(options.json ? line(out, derivative) : describe(out, derivative));
  } finally {
    await network.close();
  }
}

function kindOf(options: ExportCommandOptions): DerivativeKind {
  const asked = (["jvp", "vjp", "linear"] as const).filter((kind) => options[kind]);
  const [kind] = asked;
  if (kind !== undefined && asked.length === 1) return kind;
  throw new PushforwardError("usage", {
    what: kind === undefined ? "It is not said what to export." : "One file holds one graph.",
    where: { option: asked.map((one) => `--${one}`).join(" ") || "--jvp" },
    fix: "Give one of --jvp (J·v), --vjp (Jᵀ·u) and --linear (the pass that computes what these keep).",
  });
}

/** The point of a file, a picture or an array. */
async function pointAt(network: Network, file: string, preprocess: string | undefined): Promise<Float32Array> {
  requireMain(network);
  const preset = await choosePreset(preprocess, network.input.shape, isArrayFile(file));
  const { points } = await loadInputs([file], network, preset);
  return points[0]!;
}

const line = (file: string, { inputs, outputs, metadata }: DerivativeFile): string =>
  `${JSON.stringify({ file, inputs, outputs, metadata })}\n`;

function describe(file: string, { inputs, outputs }: DerivativeFile): string {
  const row =
    (direction: string) =>
    ({ name, type, shape = [] }: ValueInfo) => [direction, name, type ?? "", shape.join("×") || "scalar"];
  const rows = [...inputs.map(row("input")), ...outputs.map(row("output"))];
  return `${file}\n\n${formatTable(["", "name", "type", "shape"], rows)}\n`;
}
