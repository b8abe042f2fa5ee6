import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openQueue } from "./open-queue.ts";
import { runningUnits } from "./running-units.ts";
import { serve } from "./serve.ts";
import { servedSite } from "./served.ts";
import { type Place, placeAt, type RunningIn } from "./view-place.ts";

/** Where the explorer's site lies in the package and in a clone: `npm run explorer` builds it. */
const site = fileURLToPath(new URL("../../../site", import.meta.url));

interface ViewOptions {
  readonly port?: number;
  readonly queue?: string;
}

/** `pushforward view [DIR...]`: the explorer on this computer, and stored runs, trainings or studies in it, which may still go on. */
export function viewCommand(): Command {
  return new Command("view")
    .description("serve the explorer and reports on this computer, with what is stored, also while it is computed")
    .argument(
      "[folders...]",
      "folders of runs, studies or trainings, as given to --out, or s3://bucket/prefix of a run; without any, the explorer's example is shown",
    )
    .option("--port <number>", "port on 127.0.0.1; a free one unless given", portOf)
    .option("--queue <address>", "the queue that runs were given to, to show what is running, and by whom")
    .action(async (folders: readonly string[], { port = 0, queue }: ViewOptions) => {
      if (!(await new DirectoryStore(site).has("/index.html"))) {
        throw new PushforwardError("file-unreadable", {
          what: "The explorer's page is not built.",
          where: { file: site },
          fix: "Build it in the clone: npm run explorer.",
        });
      }
      const addresses = addressesOf(folders);
      const opened = queue === undefined ? undefined : await openQueue(queue);
      const runningIn: RunningIn | undefined = opened && ((store, manifest) => runningUnits(opened, store, manifest));
      const shown = await Promise.all(folders.map((folder, i) => placeAt(folder, addresses[i]!, runningIn)));
      const token = randomBytes(24).toString("base64url");
      const places = Object.assign({ "/": servedSite(site) }, ...shown.map(({ places }) => places));
      const server = serve(places, token);
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
      for (const path of pagesOf(shown, token)) process.stdout.write(`${address}${path}\n`);
      process.stderr.write("the explorer is served until this command is interrupted\n");
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.closeAllConnections());
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.close());
      await once(server, "close");
      await opened?.close();
    });
}

/** Below which address each folder is served: a single one at `run/`, several by their names, which are numbered if they are equal. */
export function addressesOf(folders: readonly string[]): string[] {
  if (folders.length < 2) return folders.map(() => "run/");
  const names = folders.map((folder) => encodeURIComponent(basename(resolve(folder))));
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return `run/${name}${before === 0 ? "" : `-${before + 1}`}/`;
  });
}

/** The pages to open: the explorer with all that it can show, unless there are only studies; and the report of each folder of studies. */
function pagesOf(shown: readonly Place[], token: string): string[] {
  const reports = shown.flatMap(({ report }) => (report === undefined ? [] : [`${report}?token=${token}`]));
  if (reports.length > 0 && reports.length === shown.length) return reports;
  return [`?token=${token}${shown.map(({ run }) => (run === undefined ? "" : `&run=${run}`)).join("")}`, ...reports];
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
