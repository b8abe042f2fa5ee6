import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PushforwardError } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { partOf, splitIndices, takePart } from "../../src/jacobian/part.ts";
import { normalize } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { residualNetwork } from "../rows/graphs.ts";
import { problemOf } from "../rows/problem.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const SHAPE = [2, 3, 4];
const entries = Float32Array.from({ length: 24 }, (_, i) => i);

/** The values are what NumPy prints for `numpy.arange(24).reshape(2, 3, 4)` with these indices. */
const selections: readonly (readonly [indices: string, shape: number[], values: number[]])[] = [
  ["1", [3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  ["0,-1", [4], [8, 9, 10, 11]],
  ["1,2,3", [], [23]],
  [":,0,1", [2], [1, 13]],
  ["0,1:,:2", [2, 2], [4, 5, 8, 9]],
  ["0, 1:3, -2:", [2, 2], [6, 7, 10, 11]],
  ["1,::2,1:100", [2, 3], [13, 14, 15, 21, 22, 23]],
  ["-1,-1,::-1", [4], [23, 22, 21, 20]],
  ["0,0,3:0:-2", [2], [3, 1]],
  ["...,0", [2, 3], [0, 4, 8, 12, 16, 20]],
  ["0,...,-1", [3], [3, 7, 11]],
  ["1:,2:3", [1, 1, 4], [20, 21, 22, 23]],
  ["0,2:1", [0, 4], []],
];

describe("indices select as in NumPy", () => {
  test.each(selections)("[%s]", (indices, shape, values) => {
    const part = partOf(SHAPE, indices, "x");
    expect(part.shape).toEqual(shape);
    expect([...takePart(entries, SHAPE, part)]).toEqual(values);
  });

  test("they follow the name, whose own brackets are kept where a tap has that name", () => {
    expect(splitIndices("block4.out[0,7]")).toEqual({ name: "block4.out", indices: "0,7" });
    expect(splitIndices("x[0] [1]")).toEqual({ name: "x[0]", indices: "1" });
    expect(splitIndices("x")).toBeUndefined();
  });

  test.each([
    ["3", "shape-mismatch", 'Index 3 of [3] is out of range: axis 0 of "x" has 2 places.'],
    ["0,-4", "shape-mismatch", 'Index -4 of [0,-4] is out of range: axis 1 of "x" has 3 places.'],
    ["0,0,0,0", "shape-mismatch", '[0,0,0,0] has 4 indices, but "x" has 3 axes: 2×3×4 in the file.'],
    ["a", "usage", 'The indices [a] of "x" cannot be read: "a" is neither a whole number nor a range.'],
    ["0:1:0", "usage", 'The indices [0:1:0] of "x" cannot be read: the step of a range is 0.'],
    ["...,...", "usage", 'The indices [...,...] of "x" cannot be read: it has more than one `...`.'],
    ["", "usage", 'The indices [] of "x" cannot be read: "" is neither a whole number nor a range.'],
  ])("[%s] is refused: %s", (indices, code, what) => {
    expect(() => partOf(SHAPE, indices, "x")).toThrow(expect.objectContaining({ code, what }));
  });

  test("where the batch axis was left out, the message shows how it is indexed", () => {
    const refused = () => partOf([1, 10], "3", "logits");
    expect(refused).toThrow(
      expect.objectContaining({ fix: "The shape in the file is 1×10, with the batch axis first: logits[0,3]." }),
    );
  });
});

describe("J between parts is that part of J", () => {
  let network: Network;
  let at: Float32Array;
  beforeAll(async () => {
    const { model, point } = problemOf(residualNetwork);
    network = new Network(await normalize(model.onnx, { evaluate: evaluateWith(backend) }), backend);
    at = point.get("X")!.data as Float32Array;
  });

  test.each([
    ["X[0,1]", "logits"],
    ["X", "logits[0,-1]"],
    ["X[0,0,1:5,::2]", "logits[0,1:3]"],
    ["X[:,:,::-1,-1]", "c1[0,2,1:3]"],
    ["a1[0,1,2]", "pool[0,:,1]"],
    ["sum[0,0]", "a2[0,::2,3:]"],
  ])("%s → %s", async (from, to) => {
    using J = await network.jacobian({ at, from, to });
    const [source, target] = [network.tap(from), network.tap(to)];
    using whole = await network.jacobian({ at, from: source.tensor, to: target.tensor });
    const { data, shape } = await whole.dense();
    const placesIn = (tap: typeof source, count: number) => {
      const all = Float32Array.from({ length: count }, (_, i) => i);
      return [...(tap.part === undefined ? all : takePart(all, network.model.values.get(tap.tensor)!.shape, tap.part))];
    };
    const [rows, columns] = [placesIn(target, shape[0]!), placesIn(source, shape[1]!)];
    const expected = rows.flatMap((row) => columns.map((column) => data[row * shape[1]! + column]!));
    const part = await J.dense();
    expect(part.shape).toEqual([rows.length, columns.length]);
    const scale = Math.max(...expected.map(Math.abs));
    part.data.forEach((entry, i) => {
      expect(Math.abs(entry - expected[i]!)).toBeLessThan(1e-6 * scale);
    });
    expect([...J.value]).toEqual(rows.map((row) => whole.value[row]));
    const [value] = await network.forward(at, [target]); // In float32.
    expect(relativeDistance(value!, J.value)).toBeLessThan(1e-6);
  });

  test("its singular values are certified, and its vectors have the shape of the part", async () => {
    using J = await network.jacobian({ at, from: "X[0,1,2:4]", to: "logits" });
    expect(J.source).toEqual([2, 6]);
    const { sigma, v, certificate } = await J.svd({ k: 4 });
    const { data } = await J.dense();
    const squares = data.reduce((sum, entry) => sum + entry ** 2, 0);
    expect(sigma.reduce((sum, value) => sum + value ** 2, 0) / squares).toBeCloseTo(1, 6);
    expect(v).toHaveLength(4 * 12);
    expect(certificate.stopped).toBe("all-converged");
  });

  test("an unknown tap is named without its indices", () => {
    let error: PushforwardError | undefined;
    try {
      network.tap("logit[0,1]");
    } catch (thrown) {
      error = thrown as PushforwardError;
    }
    expect(error).toMatchObject({ code: "tap-unknown", what: 'There is no tap "logit".' });
    expect(error!.fix).toContain('"logits"');
  });
});
