import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { buildModel, float, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { checkSameFunction } from "../../src/onnx/same-function.ts";
import { upgrades } from "../../src/onnx/upgrade-table.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

vi.mock("../../src/onnx/same-function.ts", { spy: true });
vi.mock("../../src/onnx/upgrade-table.ts", async (original) => {
  const { upgrades } = await original<typeof import("../../src/onnx/upgrade-table.ts")>();
  return { upgrades: { ...upgrades } };
});

const clipped = buildModel(
  {
    inputs: [valueInfo("x", "float32", [1, "n"])],
    outputs: [{ name: "y", type: undefined, shape: undefined }],
    nodes: [
      node({ op: "Tanh", inputs: ["x"], outputs: ["t"] }),
      node({ op: "Clip", inputs: ["t"], outputs: ["y"], attributes: { min: float(-0.5), max: float(0.5) } }),
    ],
    initializers: new Map(),
  },
  10,
);

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ "net.onnx": writeModel(clipped), "copy.onnx": writeModel(clipped) });
});
afterAll(() => place.remove());
beforeEach(() => void vi.mocked(checkSameFunction).mockClear());

test("a rewriting that changes what the model computes refuses the model", async () => {
  const table = upgrades as Record<string, (typeof upgrades)[string]>;
  const right = table.Clip!;
  table.Clip = { ...right, rewrite: (one) => ({ ...one, attributes: {} }) };
  await expect(openModel(place.path("net.onnx"), { inputShape: [8] })).rejects.toMatchObject({
    code: "op-unsupported",
    where: { file: place.path("net.onnx"), node: "y", op: "Clip" },
  });
  table.Clip = right;
});

test("a content is compared once for each shape of its input", async () => {
  const open = async (file: string, ...inputShape: number[]) => {
    await (await openModel(place.path(file), { inputShape })).close();
    return vi.mocked(checkSameFunction).mock.calls.length;
  };
  expect(await open("net.onnx", 8)).toBe(1);
  expect(await open("net.onnx", 8)).toBe(1);
  expect(await open("copy.onnx", 8)).toBe(1);
  expect(await open("copy.onnx", 9)).toBe(2);
});
