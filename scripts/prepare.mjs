// Compiles the package after an installation from its sources, as npm asks of a git address, and before it is packed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
if (!existsSync(tsc)) {
  process.stderr.write("note: not compiled, as the development packages are not installed\n");
} else {
  const config = fileURLToPath(new URL("../tsconfig.build.json", import.meta.url));
  process.exitCode = spawnSync(process.execPath, [tsc, "-p", config], { stdio: "inherit" }).status ?? 1;
}
