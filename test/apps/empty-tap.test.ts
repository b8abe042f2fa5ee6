import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpy } from "../../src/images/npy.ts";
import { buildModel, node, type Tensor, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const int64 = (...values: readonly bigint[]): Tensor => ({
  type: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values),
});

/** y = 2x joined with a slice of x that has no entries. */
const model = buildModel({
  name: "empty",
  inputs: [valueInfo("x", "float32", [1, 4])],
  outputs: [valueInfo("y", "float32", [1, 4])],
  nodes: [
    node({ op: "Add", inputs: ["x", "x"], outputs: ["double"] }),
    node({ op: "Slice", inputs: ["x", "two", "two", "one"], outputs: ["nothing"] }),
    node({
      op: "Concat",
      inputs: ["double", "nothing"],
      outputs: ["y"],
      attributes: { axis: { kind: "int", value: 1 } },
    }),
  ],
  initializers: new Map([
    ["two", int64(2n)],
    ["one", int64(1n)],
  ]),
});

let place: Workplace;
beforeAll(async () => {
  const x = writeNpy({ shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) });
  place = await createWorkplace({ "net.onnx": writeModel(model), "x.npy": x });
});
afterAll(() => place.remove());

const spectrum = (...taps: readonly string[]) =>
  pushforward(["spectrum", "net.onnx", "x.npy", "--no-plan", "--json", ...taps], { cwd: place.folder });

test("a tap without entries is left out of all, with a note", async () => {
  const { code, stdout, stderr } = await spectrum();
  expect(code).toBe(0);
  expect(stderr).toContain("note: these taps are left out, because they have no entries: nothing (0)\n");
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ tap, sigma }) => [tap, sigma.map((value: number) => value.toFixed(5))])).toEqual([
    ["double", Array(4).fill("2.00000")],
    ["y", Array(4).fill("2.00000")],
  ]);
});

test("a tap without entries that is named is refused", async () => {
  const { code, stderr } = await spectrum("--taps", "nothing");
  expect(code).toBe(2);
  expect(stderr.split("\n").slice(0, 2)).toEqual([
    'error: "nothing" is empty: its shape is 0, so J has no entries there.',
    "  at  file net.onnx, tap nothing",
  ]);
  expect((await spectrum("--from", "nothing")).stderr).toContain('"nothing" is empty');
});
