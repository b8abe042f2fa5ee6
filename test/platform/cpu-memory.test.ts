import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { buildModel, node, valueInfo } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { heldBytes } from "../../src/platform/node/garbage.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const MEGABYTES = 2 ** 20;

test("tensors that are disposed of hold nothing, also after the second time", () => {
  const before = heldBytes();
  const tensor = backend.allocate([MEGABYTES]);
  expect(heldBytes() - before).toBe(4 * MEGABYTES);
  tensor.view(5, [3]).dispose();
  expect(heldBytes() - before).toBe(4 * MEGABYTES);
  tensor.dispose();
  tensor.dispose();
  expect(heldBytes()).toBe(before);
});

test("tensors that are forgotten are freed before they fill the memory", async () => {
  const before = heldBytes();
  let most = 0;
  for (let i = 0; i < 400; i++) {
    backend.allocate([4 * MEGABYTES]); // 6.4 GB in all
    if (i % 8 === 0) await new Promise((resolve) => setTimeout(resolve));
    most = Math.max(most, heldBytes() - before);
  }
  expect(most).toBeLessThan(2 ** 30);
});

test("a tensor that was disposed of is not used", async () => {
  const tensor = backend.allocate([3]);
  tensor.dispose();
  await expect(tensor.read()).rejects.toMatchObject({ code: "backend-failed" });
});

test("a process that ends while a graph runs ends as it was asked to", () => {
  const backend = fileURLToPath(new URL("../../src/platform/node/backend.ts", import.meta.url));
  const onnx = fileURLToPath(new URL("../../src/onnx/index.ts", import.meta.url));
  const program = `
    import { createBackend } from ${JSON.stringify(backend)};
    import { buildModel, node, valueInfo } from ${JSON.stringify(onnx)};
    const square = (name) => valueInfo(name, "float32", [1500, 1500]);
    const names = ["a", ...Array.from({ length: 40 }, (_, i) => "p" + i)];
    const nodes = names.slice(1).map((name, i) => node({ op: "MatMul", inputs: [names[i], "a"], outputs: [name] }));
    const graph = { inputs: [square("a")], outputs: [square(names.at(-1))], initializers: new Map(), nodes };
    const executable = await createBackend({ threads: 1 }).compile(buildModel(graph));
    const a = { type: "float32", shape: [1500, 1500], data: new Float32Array(1500 * 1500) };
    executable.run({ a }, [names.at(-1)]);
    setTimeout(() => process.exit(7), 100);
  `;
  const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([7, ""]);
});

test("the event loop goes on while a graph runs", async () => {
  const side = 1500;
  const square = (name: string) => valueInfo(name, "float32", [side, side]);
  const names = ["a", ...Array.from({ length: 20 }, (_, i) => `p${i}`)];
  const executable = await backend.compile(
    buildModel({
      inputs: [square("a")],
      outputs: [square(names.at(-1)!)],
      initializers: new Map(),
      nodes: names.slice(1).map((name, i) => node({ op: "MatMul", inputs: [names[i]!, "a"], outputs: [name] })),
    }),
  );
  using a = backend.upload({ type: "float32", shape: [side, side], data: new Float32Array(side * side) });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    const { [names.at(-1)!]: result } = await executable.compute({ a }, [names.at(-1)!]);
    result!.dispose();
  } finally {
    clearInterval(timer);
  }
  expect(turns).toBeGreaterThan(20); // A run that blocks the loop leaves it no turn.
});
