import { execFileSync, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { quoted } from "../../src/base/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { main, pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ "net.onnx": writeModel(convnet()), "my pictures/x.npy": randomNpy([1, 12, 12]) });
  for (let i = 0; i < 40; i++) await place.put(`many/${i}.npy`, randomNpy([1, 12, 12], i));
});
afterAll(() => place.remove());

/** Runs a line of a shell in which `$pushforward` is the command line. */
function shell(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn("bash", ["-c", line], {
    cwd: place.folder,
    env: { ...process.env, pushforward: `${quoted(process.execPath)} ${quoted(main)}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

const long = "$pushforward spectrum net.onnx many -k 3 --taps conv1,logits --vectors none";

describe.skipIf(process.platform === "win32")("a reader that goes away ends the work without a word", () => {
  test("on standard output", async () => {
    const { stdout, stderr } = await shell(
      `${long} --json 2>err | head -1; echo "\${PIPESTATUS[0]}"; grep -v '^\\[\\|^note' err`,
    );
    expect(stdout.split("\n")).toEqual([expect.stringMatching(/^\{"model":/), "141", ""]);
    expect(stderr).toBe("");
  });

  test("on both outputs", async () => {
    const { stdout } = await shell(`${long} 2>&1 | head -1; echo "\${PIPESTATUS[0]}"`);
    expect(stdout).toMatch(/^note: the input of the network is .*\n141\n$/);
  });

  test("and what was finished is kept", async () => {
    await shell(`${long} --json --out kept 2>/dev/null | head -1`);
    const { code, stderr } = await shell(`${long} --out kept`);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^note: \d+ of 80 units are done already$/m);
  });

  test("a closed output is no fault", async () => {
    expect(await shell("$pushforward inspect net.onnx >&- 2>&-")).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

const hasScript = (() => {
  try {
    execFileSync("script", ["-qec", "true", "/dev/null"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!hasScript)("on a narrow terminal, six units leave six lines", async () => {
  const command = `stty cols 50; ${quoted(process.execPath)} ${quoted(main)} spectrum net.onnx 'my pictures' --json >/dev/null`;
  const { stdout } = await shell(`script -qec ${quoted(command)} /dev/null`);
  const sent = stdout.replaceAll("\r\x1b[2K", "⌫");
  const lines = sent.replace(/[^\n]*⌫/g, "").split(/\r?\n/);
  expect(lines.filter((line) => line.startsWith("["))).toHaveLength(6);
  for (const part of sent.split(/⌫|\r?\n/).filter((text) => text.startsWith("["))) {
    expect(part.length).toBeLessThan(50);
  }
});

test("a command to copy is quoted", async () => {
  const args = ["spectrum", "net.onnx", "my pictures", "--taps", "logits", "--out", "it's here"];
  const { stderr } = await pushforward(args, { cwd: place.folder });
  const [, hint] = /see it: pushforward (.*)\n/.exec(stderr)!;
  expect(await shell(`$pushforward ${hint}`)).toEqual({ code: 0, stdout: "it's here/report.html\n", stderr: "" });
});

describe("threads", () => {
  test("more than there are cores are not taken, and that is said", async () => {
    const args = ["inspect", "net.onnx", "--plan", "--taps", "logits", "--threads", "999"];
    const { code, stderr } = await pushforward(args, { cwd: place.folder });
    expect(code).toBe(0);
    expect(stderr.split("\n")[0]).toBe(
      `note: --threads ${availableParallelism()} is used instead of 999, because the machine has ${availableParallelism()} cores`,
    );
  });

  test.each(["0", "-1", "1.5", "many", ""])('"%s" is refused', async (threads) => {
    for (const command of [
      ["inspect", "net.onnx"],
      ["spectrum", "net.onnx", "many"],
    ]) {
      expect(await pushforward([...command, `--threads=${threads}`], { cwd: place.folder })).toEqual({
        code: 2,
        stdout: "",
        stderr: `error: "${threads}" is not a whole number of at least 1.\n  at  option --threads\n  do  For example: --threads 100.\n`,
      });
    }
  });

  test("the library does the same", async () => {
    const net = await openModel(place.path("net.onnx"), { threads: 999 });
    await net.close();
    for (const threads of [0, -1, 1.5, Number.NaN]) {
      await expect(openModel(place.path("net.onnx"), { threads })).rejects.toMatchObject({ code: "usage" });
    }
  });
});
