// Makes a fresh clone ready: installs from the lock file when that is newer than what is installed, then compiles.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

// ONNX Runtime's own installation would look on the web for what it needs on an NVIDIA card, which is not used here.
const env = { ONNXRUNTIME_NODE_INSTALL: "skip", ...process.env };

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
  if (error || status !== 0) {
    process.stderr.write(`error: \`${[command, ...args].join(" ")}\` failed\n  do  Read its message above.\n`);
    process.exit(status ?? 1);
  }
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error: Node ${process.versions.node} is too old.\n  do  Use Node 20.19 or later.\n`);
  process.exit(2);
}

const installed = `${root}node_modules/.package-lock.json`;
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(`${root}package-lock.json`).mtimeMs) {
  process.stderr.write("installing packages from the lock file …\n");
  run("npm", ["ci", "--no-audit", "--no-fund"]);
}
run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", "tsconfig.build.json"]);
