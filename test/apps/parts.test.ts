import { afterAll, beforeAll, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "inputs/a.npy": randomNpy([1, 12, 12], 1),
  });
});
afterAll(() => place.remove());

const run = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });
const command = ["spectrum", "net.onnx", "inputs", "-k", "4", "--out", "run"];

test("spectrum takes taps with indices as source and target, stores them and continues", async () => {
  const asked = [...command, "--at", "logits[0,2:5],relu1[0,1]", "--from", "picture[0,0,3:9]"];
  const outcome = await run(...asked, "--json");
  expect(outcome.stderr).not.toContain("error");
  expect(outcome.code).toBe(0);
  const lines = outcome.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ from, tap, m, n }) => ({ from, tap, m, n }))).toEqual([
    { from: "picture[0,0,3:9]", tap: "logits[0,2:5]", m: 3, n: 72 },
    { from: "picture[0,0,3:9]", tap: "relu1[0,1]", m: expect.any(Number), n: 72 },
  ]);
  const stored = await openRun(new DirectoryStore(place.path("run")));
  expect(stored.manifest.from).toEqual({
    name: "picture[0,0,3:9]",
    tensor: "picture",
    index: "[0,0,3:9]",
    shape: [6, 12],
  });
  expect(stored.manifest.taps.map(({ name, index, shape }) => ({ name, index, shape }))[0]).toEqual({
    name: "logits[0,2:5]",
    index: "[0,2:5]",
    shape: [3],
  });
  expect(await stored.readSource(0)).toHaveLength(72);

  const again = await run(...asked);
  expect(again.stderr).toContain("2 of 2 units are done already");
  const other = await run(...command, "--at", "logits[0,2:5],relu1[0,1]", "--from", "picture[0,0,2:8]");
  expect(other.code).toBe(2);
  expect(other.stderr).toContain("another run");

  expect((await run("report", "run")).code).toBe(0);
  const page = Buffer.from((await place.bytes("run")).get("report.html")!).toString();
  expect(page).toContain("picture[0,0,3:9], 6×12 (tensor picture, its entries [0,0,3:9])");
  expect(page).toContain("logits[0,2:5]");
});

test("indices that do not fit are told with the shape in the file", async () => {
  const { code, stderr } = await run("spectrum", "net.onnx", "inputs", "--taps", "logits[3]");
  expect(code).toBe(2);
  expect(stderr).toContain('Index 3 of [3] is out of range: axis 0 of "logits" has 1 places.');
  expect(stderr).toContain("logits[0,3]");
});
