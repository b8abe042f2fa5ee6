import { afterAll, beforeAll, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { type Outcome, pushforward, start } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "inputs/a.npy": randomNpy([1, 12, 12], 1),
    "inputs/b.npy": randomNpy([1, 1, 12, 12], 2),
    "inputs/labels.txt": "not an input",
  });
});
afterAll(() => place.remove());

const command = ["spectrum", "net.onnx", "inputs", "--taps", "relu1,conv2,logits", "-k", "12", "--json"];
const run = (...more: readonly string[]) => pushforward([...command, ...more], { cwd: place.folder });

const linesOf = ({ stdout }: Outcome): Record<string, unknown>[] => {
  expect(stdout.endsWith("\n")).toBe(true);
  return stdout
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line));
};
/** Lines in one order, without what the clock gives. */
const timeless = (outcome: Outcome) =>
  linesOf(outcome)
    .map(({ seconds: _, ...line }) => line)
    .sort((x, y) => (`${x.input} ${x.tap}` < `${y.input} ${y.tap}` ? -1 : 1));

test("is one object a line with the keys that scripts rely on, and nothing else", async () => {
  const outcome = await run();
  expect(outcome.code).toBe(0);
  const lines = linesOf(outcome);
  expect(lines.map(({ input, tap }) => `${input} ${tap}`).sort()).toEqual([
    "a conv2",
    "a logits",
    "a relu1",
    "b conv2",
    "b logits",
    "b relu1",
  ]);
  const sizes: Readonly<Record<string, number>> = { relu1: 576, conv2: 216, logits: 10 };
  for (const line of lines) {
    expect(Object.keys(line).join(", ")).toBe(
      "model, input, from, tap, m, n, k, sigma, residual, status, floor, floors, missed, jvp, vjp, seconds, kinks",
    );
    const m = sizes[String(line.tap)]!;
    const k = Math.min(12, m);
    expect(line).toMatchObject({ model: "net.onnx", from: "picture", m, n: 144, k, missed: { kind: "exact" } });
    expect(line.status).toEqual(new Array(k).fill("converged"));
    expect(line.sigma).toHaveLength(k);
    expect(line.sigma).toEqual([...(line.sigma as number[])].sort((x, y) => y - x));
    expect(line.residual).toHaveLength(k);
    for (const count of [line.jvp, line.vjp]) expect(count).toBeGreaterThan(0);
    expect(line.seconds).toBeGreaterThan(0);
  }
});

test("holds the same numbers in a second run, and in one that is stored and read again", async () => {
  const first = timeless(await run());
  expect(timeless(await run())).toEqual(first);
  const stored = await run("--out", "stored");
  expect(timeless(stored)).toEqual(first);
  const again = await run("--out", "stored");
  expect(timeless(again)).toEqual(first);
  expect(linesOf(again)).toEqual(expect.arrayContaining(linesOf(stored))); // seconds too
  expect(again.stderr).toContain("\nnote: 6 of 6 units are done already\n");
});

test("holds the same numbers in a second run where the solver searches from random vectors", async () => {
  await place.put("large.onnx", writeModel(convnet({ size: 36 })));
  await place.put("large.npy", randomNpy([1, 36, 36]));
  const search = ["spectrum", "large.onnx", "large.npy", "--taps", "conv2", "-k", "2", "--json"];
  const [first, second] = [
    await pushforward(search, { cwd: place.folder }),
    await pushforward(search, { cwd: place.folder }),
  ];
  expect(linesOf(first)).toMatchObject([{ missed: { kind: "probable" } }]); // not read whole
  expect(timeless(second)).toEqual(timeless(first));
});

test("holds every unit of a run that goes on, those done before too", async () => {
  const running = start([...command, "--out", "killed"], { cwd: place.folder });
  await running.shown(/^\[\d+\/\d+\] /gm, 2);
  running.child.kill("SIGKILL");
  await running.outcome;
  const resumed = await run("--out", "killed");
  expect(resumed.stderr).toMatch(/^note: [2-5] of 6 units are done already$/m);
  expect(timeless(resumed)).toEqual(timeless(await run()));
});

test("ends without a word when nobody reads on", async () => {
  const running = start([...command, "--out", "unread"], { cwd: place.folder });
  running.child.stdout!.destroy();
  const { code, stderr } = await running.outcome;
  expect(code).toBe(141);
  const words = stderr.split("\n").filter((line) => !/^\[|^note: /.test(line));
  expect(words).toEqual([""]);
  expect((await run("--out", "unread")).stderr).toMatch(/^note: [1-5] of 6 units are done already$/m);
});

test("lists the taps of a model", async () => {
  const outcome = await pushforward(["inspect", "net.onnx", "--json"], { cwd: place.folder });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(linesOf(outcome)[1]).toEqual({
    model: "net.onnx",
    from: "picture",
    name: "conv1",
    tensor: "conv1",
    op: "Conv",
    node: "conv1",
    shape: [4, 12, 12],
    cut: true,
    multiplyAdds: 4 * 144 * 9,
    supported: true,
    unsupported: [],
    reasons: [],
    unfed: [],
    inputs: [{ name: "picture", type: "float32", shape: expect.any(Array), state: "pictures" }],
  });
  expect(linesOf(outcome).map(({ name }) => name)).toEqual([
    "picture",
    "conv1",
    "relu1",
    "pool1",
    "conv2",
    "relu2",
    "logits",
  ]);
});
