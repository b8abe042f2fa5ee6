import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildModel, filled, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

/** Wide and cheap: a solve needs much memory and little time. */
const wide = (size: number) =>
  writeModel(
    buildModel({
      inputs: [valueInfo("picture", "float32", [1, 1, size, size])],
      outputs: [valueInfo("relu1", "float32", [1, 1, size, size])],
      initializers: new Map(),
      nodes: [node({ op: "Relu", inputs: ["picture"], outputs: ["relu1"] })],
    }),
  );

/** Takes indices: its derivatives begin at what it looks up. */
const tokens = () =>
  writeModel(
    buildModel({
      inputs: [valueInfo("tokens", "int64", [1, 4])],
      outputs: [valueInfo("y", "float32", [1, 4, 3])],
      initializers: new Map([["table", filled([5, 3], 0.5)]]),
      nodes: [
        node({ op: "Gather", inputs: ["table", "tokens"], outputs: ["found"] }),
        node({ op: "Tanh", inputs: ["found"], outputs: ["y"] }),
      ],
    }),
  );

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "x.npy": randomNpy([1, 12, 12]),
    "wide.onnx": wide(512),
    "wide.npy": randomNpy([1, 512, 512]),
    "long.onnx": wide(256),
    "tokens.onnx": tokens(),
  });
  for (let i = 0; i < 20; i++) await place.put(`many/${i}.npy`, randomNpy([1, 256, 256], i));
});
afterAll(() => place.remove());

const run = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });
/** Runs with so many kilobytes of address space. */
const within = (kilobytes: number, ...args: readonly string[]) =>
  pushforward(args, {
    cwd: place.folder,
    under: ["sh", "-c", `ulimit -v ${kilobytes}; exec "$@"`, "sh"],
  });

describe("inspect --plan", () => {
  test("starts where derivatives can, in a network that takes indices", async () => {
    const { code, stdout } = await run("inspect", "tokens.onnx", "--plan", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "y", m: 12, n: 12 });
  });

  test("tells the products that spectrum takes", async () => {
    const plan = await run("inspect", "net.onnx", "x.npy", "--plan", "-k", "12", "--inputs", "3", "--json");
    expect(plan.code).toBe(0);
    const lines = plan.stdout.trimEnd().split("\n");
    const solved = await run("spectrum", "net.onnx", "x.npy", "-k", "12", "--json");
    const units = solved.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(units.length);
    for (const [i, line] of lines.entries()) {
      const [predicted, unit] = [JSON.parse(line), JSON.parse(units[i]!)];
      expect(Object.keys(predicted).join(", ")).toBe(
        "model, name, tensor, m, n, k, method, jvp, vjp, seconds, solves, bytes",
      );
      const { tap, m, n, k } = unit;
      expect(predicted).toMatchObject({ name: tap, m, n, k, method: "dense", solves: tap === "conv1" ? 1 : 3 });
      for (const side of ["jvp", "vjp"]) expect(predicted[side] / unit[side]).toBeCloseTo(1, 1);
    }
  });

  test("shows a table and its sum", async () => {
    const { code, stdout, stderr } = await run(
      ...["inspect", "net.onnx", "--plan", "--taps", "conv1,logits", "--inputs", "2"],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^net\.onnx, rehearsed at random numbers in place of an input$/m);
    expect(stdout).toMatch(/^tap +m×n +k +method +J +Jᵀ +time +memory$/m);
    expect(stdout).toMatch(/^conv1 +576×144 +144 +dense /m);
    expect(stdout).toMatch(
      /^2 inputs: 3 solves, .*, at most \d+ MB of memory, of which .* are available, and \d+ MB on disk\.$/m,
    );
    expect(stderr).toMatch(/^\[1\/2\] logits is rehearsed, about .* left\n\[2\/2\] conv1 is rehearsed\n$/);
  });

  test("an input without it is refused", async () => {
    expect(await run("inspect", "net.onnx", "x.npy")).toEqual({
      code: 2,
      stdout: "",
      stderr: [
        "error: inspect needs no input, because the taps of a model are the same at every input.",
        "  at  file x.npy",
        "  do  Leave the input out, or add --plan to predict the cost of a run at this input.",
        "",
      ].join("\n"),
    });
  });
});

test("a run tells on standard error what it will take, unless there is nothing left to do or no plan is wanted", async () => {
  const told = /^note: 6 units, .* s \(by counting operations\); at most \d+ MB of memory and \d+ MB on disk$/m;
  const command = ["spectrum", "net.onnx", "x.npy", "-k", "5"];
  expect((await run(...command, "--out", "told")).stderr).toMatch(told);
  expect((await run(...command, "--out", "told")).stderr).not.toMatch(/of memory/);
  expect((await run(...command, "--no-plan")).stderr).not.toMatch(/of memory/);
});

test.skipIf(process.platform !== "linux")("the disk that a run takes is what was told", async () => {
  for (const vectors of ["all", "4", "none"]) {
    const { stderr } = await run("spectrum", "net.onnx", "x.npy", "--vectors", vectors, "--out", `disk-${vectors}`);
    const told = 1e6 * Number(/ and (\d+) MB on disk$/m.exec(stderr)![1]);
    const taken = execFileSync("du", ["-s", "--block-size=1", `disk-${vectors}`], {
      cwd: place.folder,
      encoding: "utf8",
    });
    expect(told / Number.parseInt(taken, 10)).toBeGreaterThan(0.7);
    expect(told / Number.parseInt(taken, 10)).toBeLessThan(2.2); // Told in whole megabytes.
  }
});

describe.skipIf(process.platform !== "linux")("a run that does not fit into memory", () => {
  test("is stopped before anything is written", async () => {
    const { code, stdout, stderr } = await within(
      3e6,
      "spectrum",
      "wide.onnx",
      "wide.npy",
      "-k",
      "100",
      "--out",
      "out",
    );
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /^error: With k = 100, the run needs about \d\.\d GB of address space \(ulimit -v\), but only .* are available\.\n {2}at {2}tap relu1, option -k\n {2}do {2}.* With --no-plan, the run starts without this check\.$/m,
    );
    expect(code).toBe(2);
    expect(await place.list()).not.toContain("out");
  });

  test("is told what would fit", async () => {
    const { code, stderr } = await within(5e6, "spectrum", "long.onnx", "many", "-k", "250", "--vectors", "all");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      / {2}do {2}The run would fit with --out FOLDER \(.*\), or with --vectors none, or with -k \d+\. With --no-plan/,
    );
  });
});
