import { afterAll, beforeAll, expect, test } from "vitest";
import { treeOf } from "../../src/apps/cli/tap-tree.ts";
import { openModel } from "../../src/apps/node/index.ts";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** `count` residual blocks, named as PyTorch names nodes and tensors: x + up(gelu-like(down(x))). */
function blocks(count: number): OnnxModel {
  const nodes = [];
  const initializers = new Map([
    ["w", floatTensor([4, 4], new Float32Array(16).fill(0.1))],
    ["half", floatTensor([], [0.5])],
  ]);
  let x = "x";
  for (let i = 0; i < count; i++) {
    const at = `/net/layers/layers.${i}`;
    const make = (op: string, path: string, ...inputs: readonly string[]) => {
      const output = `${at}${path}_output_0`;
      nodes.push(node({ op, inputs, outputs: [output], name: `${at}${path}` }));
      return output;
    };
    const down = make("MatMul", "/down/MatMul", x, "w");
    const gate = make("Sigmoid", "/act/Sigmoid", down);
    const acted = make("Mul", "/act/Mul", down, gate);
    const up = make("MatMul", "/up/MatMul", acted, "w");
    const scaled = make("Mul", "/Mul", up, "half");
    x = make("Add", "/Add", x, scaled);
  }
  nodes.push(node({ op: "MatMul", inputs: [x, "w"], outputs: ["logits"], name: "/net/head/MatMul" }));
  const inputs = [valueInfo("x", "float32", [1, 4])];
  return buildModel({ inputs, outputs: [valueInfo("logits", "float32", [1, 4])], nodes, initializers });
}

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ "small.onnx": writeModel(blocks(2)), "large.onnx": writeModel(blocks(8)) });
});
afterAll(() => place.remove());
const run = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });

const ofBlock = (i: number) => [".down", ".act.sigmoid", ".act", ".up", ".mul", ""].map((name) => `layers.${i}${name}`);

test("taps are named by the modules that compute them", async () => {
  const net = await openModel(place.path("small.onnx"));
  try {
    expect(net.taps.map(({ name }) => name)).toEqual(["x", ...ofBlock(0), ...ofBlock(1), "logits"]);
    for (const tap of net.taps) expect(net.tap(tap.tensor)).toBe(tap); // The names of tensors still lead to them.
  } finally {
    await net.close();
  }
});

test("a large network is a tree of modules with its cuts and weighted layers", async () => {
  const { code, stdout } = await run("inspect", "large.onnx");
  expect(code).toBe(0);
  expect(
    stdout
      .split("\n")
      .slice(4, 12)
      .map((line) => line.slice(0, 8).trimEnd()),
  ).toEqual(["x", "layers", "  0", "    down", "    up", "  1", "    down", "    up"]);
  expect(stdout).toMatch(/^ {2}0 +Add +4 +cut/m);
  expect(stdout).toContain(
    "joined by dots. Cuts and layers with weights are shown; 24 other taps are listed with --all.",
  );
});

test("--all lists every tap, and so does JSON", async () => {
  const all = await run("inspect", "large.onnx", "--all");
  expect(all.stdout.match(/ sigmoid /g)).toHaveLength(8);
  expect(all.stdout).not.toContain("other taps");
  const json = await run("inspect", "large.onnx", "--json");
  const names = json.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).name);
  expect(names).toEqual(["x", ...Array.from({ length: 8 }, (_, i) => ofBlock(i)).flat(), "logits"]);
});

test("a network of few taps is a list", async () => {
  const { stdout } = await run("inspect", "small.onnx");
  for (const name of [...ofBlock(0), ...ofBlock(1)]) expect(stdout).toContain(`\n${name} `);
});

test("a tree keeps the order, and joins parts with one child", () => {
  const lines = treeOf(["in", "a.b.c", "a.b.d", "z.y.x", "a.b"], (name) => name);
  expect(lines).toEqual([
    { name: "in", row: "in" },
    { name: "a.b", row: "a.b" },
    { name: "  c", row: "a.b.c" },
    { name: "  d", row: "a.b.d" },
    { name: "z.y.x", row: "z.y.x" },
  ]);
});
