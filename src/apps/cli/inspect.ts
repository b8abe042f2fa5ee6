import { Command } from "commander";
import { formatShape, PushforwardError } from "../../base/index.ts";
import { productCost, type Tap } from "../../jacobian/index.ts";
import { type NetworkFile, openModel } from "../node/index.ts";
import { DEFAULT_K, shape, threadCount, wholeNumber } from "./options.ts";
import { type PlanOptions, printPlan } from "./plan.ts";
import { formatTable } from "./table.ts";

interface InspectOptions extends PlanOptions {
  readonly shape?: number[];
  readonly plan?: boolean;
  readonly threads?: number;
}

/** `pushforward inspect MODEL`: taps, shapes, cuts, unsupported ops, cost of a product; or the cost of a run. */
export function inspectCommand(): Command {
  return new Command("inspect")
    .description("list the taps of a model: shapes, cuts, operators without a rule, cost of a product")
    .argument("<model>", "ONNX file")
    .argument("[input]", "with --plan: a picture or an .npy array to rehearse at (default: random numbers)")
    .option(
      "--shape <extents>",
      "shape of the input, if the file leaves it open, for example 3,224,224",
      shape("--shape"),
    )
    .option("--plan", "predict the products, time and memory of `spectrum`")
    .option("--taps <names>", "with --plan: taps, as for `spectrum`", "all")
    .option("-k, --k <count>", `with --plan: triplets at each tap (default: ${DEFAULT_K})`, wholeNumber("-k", 1))
    .option("--inputs <count>", "with --plan: number of inputs of the run", wholeNumber("--inputs", 1), 1)
    .option("--preprocess <name>", "with --plan: how the picture is converted to an input, as for `spectrum`")
    .option("--threads <count>", "with --plan: threads for one product", threadCount("--threads"))
    .option("--json", "print one JSON object per line")
    .action(async (file: string, input: string | undefined, options: InspectOptions) => {
      if (input !== undefined && !options.plan) throw inputWithoutPlan(input);
      const network = await openModel(file, {
        ...(options.shape ? { inputShape: options.shape } : {}),
        ...(options.threads ? { threads: options.threads } : {}),
      });
      try {
        if (options.plan) await printPlan(network, input, options);
        else if (options.json) printLines(network);
        else process.stdout.write(describe(network));
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
  readonly unsupported: readonly string[];
  readonly multiplyAdds: number;
}

function inspectTaps(network: NetworkFile): TapReport[] {
  return network.taps.map((tap) => ({
    tap,
    unsupported: [...new Set(network.unsupported(network.input, tap).map(({ op }) => op))],
    multiplyAdds: productCost(network.model, network.input, tap),
  }));
}

function printLines(network: NetworkFile): void {
  for (const { tap, unsupported, multiplyAdds } of inspectTaps(network)) {
    const line = { model: network.file, ...tap, multiplyAdds, supported: unsupported.length === 0, unsupported };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

function describe(network: NetworkFile): string {
  const taps = inspectTaps(network);
  const table = formatTable(
    ["tap", "op", "shape", "cut", "MMAC a product", "tensor"],
    taps.map(({ tap, unsupported, multiplyAdds }) => [
      tap.name,
      tap.op,
      formatShape(tap.shape),
      tap.cut ? "cut" : "",
      unsupported.length > 0 ? `needs ${unsupported.join(", ")}` : (multiplyAdds / 1e6).toPrecision(3),
      tap.tensor === tap.name ? "" : tap.tensor,
    ]),
    [4],
  );
  const missing = network.unsupported(network.input, network.output);
  const note =
    missing.length === 0
      ? "Every tap can be differentiated."
      : `No rule for: ${[...new Set(missing.map(({ op }) => op))].join(", ")} (nodes ${missing.map(({ node }) => node).join(", ")}).`;
  return `${network.file}\n\n${table}\n\nA tap is a cut if every path from the input to the output passes through it. ${note}\n`;
}
