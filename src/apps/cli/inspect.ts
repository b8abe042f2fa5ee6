import { Command } from "commander";
import { formatShape } from "../../base/index.ts";
import { productCost, type Tap } from "../../jacobian/index.ts";
import { type NetworkFile, openModel } from "../node/index.ts";
import { shape } from "./options.ts";
import { formatTable } from "./table.ts";

/** `pushforward inspect MODEL`: taps, shapes, cuts, unsupported ops, cost of a product. */
export function inspectCommand(): Command {
  return new Command("inspect")
    .description("list the taps of a model: shapes, cuts, what cannot be differentiated, cost of a product")
    .argument("<model>", "ONNX file")
    .option("--shape <extents>", "shape of the input where the file leaves it open, as 3,224,224", shape("--shape"))
    .option("--json", "one object a line on standard output")
    .action(async (file: string, options: { shape?: number[]; json?: boolean }) => {
      const network = await openModel(file, options.shape ? { inputShape: options.shape } : {});
      try {
        if (options.json) printLines(network);
        else process.stdout.write(describe(network));
      } finally {
        await network.close();
      }
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
  return `${network.file}\n\n${table}\n\nA cut is passed by every path from the input to the output. ${note}\n`;
}
