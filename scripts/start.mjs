// Analyses the example network: all taps, 16 digits, full spectra; writes a report and opens it (unless --no-open).
import { spawn, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const example = "examples/digits";
const out = "example-run";

function pushforward(...args) {
  const { status } = spawnSync(process.execPath, ["dist/apps/cli/main.js", ...args], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(`${root}${out}`, { recursive: true, force: true });
const preset = ["--preprocess", `${example}/preprocess.json`, "--labels", `${example}/labels.tsv`];
pushforward("spectrum", `${example}/digits.onnx`, `${example}/images`, "-k", "648", ...preset, "--out", out);
pushforward("report", out);

if (!process.argv.includes("--no-open")) {
  const opener = { darwin: "open", win32: "explorer" }[process.platform] ?? "xdg-open";
  spawn(opener, [`${root}${out}/report.html`], { detached: true, stdio: "ignore" })
    .on("error", () => undefined)
    .unref();
}
