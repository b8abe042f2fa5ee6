import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openRun } from "../../results/index.ts";
import { serveFolders } from "./serve.ts";

/** Where the explorer's site lies in the package and in a clone: `npm run explorer` builds it. */
const site = fileURLToPath(new URL("../../../site", import.meta.url));

/** `pushforward view [DIR]`: the explorer on this computer, and a stored run in it. */
export function viewCommand(): Command {
  return new Command("view")
    .description("serve the explorer on this computer, with a stored run in it")
    .argument("[folder]", "folder of a run, as given to --out; without it, the explorer's example is shown")
    .option("--port <number>", "port on 127.0.0.1; a free one unless given", portOf)
    .action(async (folder: string | undefined, { port = 0 }: { readonly port?: number }) => {
      if (!(await new DirectoryStore(site).has("/index.html"))) {
        throw new PushforwardError("file-unreadable", {
          what: "The explorer's page is not built.",
          where: { file: site },
          fix: "Build it in the clone: npm run explorer.",
        });
      }
      if (folder !== undefined) await openRun(new DirectoryStore(folder));
      const server = serveFolders({ "/": site, ...(folder === undefined ? {} : { "/run/": folder }) });
      server.listen(port, "127.0.0.1");
      await once(server, "listening").catch((cause: unknown) => {
        throw new PushforwardError("usage", {
          what: `Port ${port} on 127.0.0.1 cannot be used.`,
          where: { option: "--port" },
          fix: "Name another port, or none.",
          cause,
        });
      });
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      process.stdout.write(`${address}${folder === undefined ? "" : "?run=run/"}\n`);
      process.stderr.write("the explorer is served until this command is interrupted\n");
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.closeAllConnections());
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.close());
      await once(server, "close");
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port;
  throw new PushforwardError("usage", {
    what: `--port must be an integer from 0 to 65535, not "${text}".`,
    where: { option: "--port" },
    fix: "Name a free port, such as 8080, or none.",
  });
}
