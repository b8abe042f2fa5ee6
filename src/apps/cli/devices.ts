import { Command } from "commander";
import { formatBytes } from "../../base/index.ts";
import { findDevices } from "../../platform/node/devices.ts";
import { formatTable } from "./table.ts";

/** `pushforward devices`: where this machine can compute, and why it cannot elsewhere. */
export function devicesCommand(): Command {
  return new Command("devices")
    .description("list the devices that `--device` can name, with the reason for what is not there and what to do")
    .option("--json", "print one JSON object per line, one for each device")
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const devices = await findDevices();
      if (json) {
        for (const device of devices) process.stdout.write(`${JSON.stringify(device)}\n`);
        return;
      }
      const rows = devices.map(({ device, available, name, isSoftware, largestTensor, note }) => [
        device,
        available ? "yes" : "no",
        [
          name,
          isSoftware ? "a program on the CPU that stands in for a GPU" : undefined,
          largestTensor === undefined ? undefined : `tensors up to ${formatBytes(largestTensor)}`,
          note,
        ]
          .filter(Boolean)
          .join("; "),
      ]);
      const fixes = devices.flatMap(({ device, fix }) => (fix === undefined ? [] : [`To use ${device}: ${fix}`]));
      process.stdout.write(`${[formatTable(["device", "available", ""], rows), ...fixes].join("\n")}\n`);
    });
}
