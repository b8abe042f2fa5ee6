import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/images/npy.ts";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun, openStudyRun } from "../../src/results/index.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** double = 2x → squares → sum → norm = √sum: the norm of 2x, which has no derivative at 0. */
const norm: OnnxModel = buildModel({
  name: "norm",
  inputs: [valueInfo("x", "float32", [1, 4])],
  outputs: [valueInfo("norm", "float32", [1, 1])],
  nodes: [
    node({ op: "Add", name: "twice", inputs: ["x", "x"], outputs: ["double"] }),
    node({ op: "Mul", name: "times itself", inputs: ["double", "double"], outputs: ["squares"] }),
    node({ op: "ReduceSum", inputs: ["squares", "axes"], outputs: ["sum"], attributes: {} }),
    node({ op: "Sqrt", name: "the root", inputs: ["sum"], outputs: ["norm"] }),
  ],
  initializers: new Map([["axes", { type: "int64", shape: [1], data: BigInt64Array.of(1n) }]]),
});

/** y = ln(x), whose derivative 1/x is finite where x is negative and its value is NaN. */
const logarithm: OnnxModel = buildModel({
  name: "logarithm",
  inputs: [valueInfo("x", "float32", [1, 4])],
  outputs: [valueInfo("y", "float32", [1, 4])],
  nodes: [node({ op: "Log", inputs: ["x"], outputs: ["y"] })],
  initializers: new Map(),
});

/** Softmax by hand: e^200 is larger than float32 holds. */
const byHand: OnnxModel = buildModel({
  name: "by-hand",
  inputs: [valueInfo("x", "float32", [1, 4])],
  outputs: [valueInfo("y", "float32", [1, 4])],
  nodes: [
    node({ op: "Exp", inputs: ["x"], outputs: ["e"] }),
    node({ op: "ReduceSum", inputs: ["e", "axes"], outputs: ["total"] }),
    node({ op: "Div", inputs: ["e", "total"], outputs: ["y"] }),
  ],
  initializers: new Map([["axes", { type: "int64", shape: [1], data: BigInt64Array.of(1n) }]]),
});

/** Scores with a mask of −∞, which is no fault: J = 2 where the mask is 0. */
const masked: OnnxModel = buildModel({
  name: "masked",
  inputs: [valueInfo("x", "float32", [1, 4])],
  outputs: [valueInfo("y", "float32", [1, 4])],
  nodes: [
    node({ op: "Sqrt", name: "the root", inputs: ["x"], outputs: ["root"] }),
    node({ op: "Add", inputs: ["root", "mask"], outputs: ["scores"] }),
    node({ op: "Softmax", inputs: ["scores"], outputs: ["y"], attributes: { axis: { kind: "int", value: -1 } } }),
  ],
  initializers: new Map([["mask", floatTensor([4], [0, 0, 0, Number.NEGATIVE_INFINITY])]]),
});

const array = (...data: readonly number[]) => writeNpy({ shape: [1, 4], data: Float32Array.from(data) });

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "norm.onnx": writeModel(norm),
    "log.onnx": writeModel(logarithm),
    "by-hand.onnx": writeModel(byHand),
    "masked.onnx": writeModel(masked),
    "x.npy": array(1, 2, 3, 4),
    "zero.npy": array(0, 0, 0, 0),
    "y.npy": array(4, 3, 2, 1),
    "minus.npy": array(-1, 1, 2, 4),
    "large.npy": array(200, 0, 0, 0),
  });
});
afterAll(() => place.remove());

const run = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });
const spectrum = (...args: readonly string[]) => run("spectrum", ...args, "--no-plan");
const linesOf = ({ stdout }: { readonly stdout: string }) =>
  stdout
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const noRoot = expect.stringMatching(/no Jacobian at this input.* is Sqrt, which gives "norm": .*derivative/);

describe("a unit without a result", () => {
  test("is marked with input, tap and the first node that is not finite; the others are computed", async () => {
    const outcome = await spectrum(
      "norm.onnx",
      "x.npy",
      "zero.npy",
      "y.npy",
      "--taps",
      "sum,norm",
      "--json",
      "--out",
      "run",
    );
    expect(outcome.code).toBe(2);
    const lines = linesOf(outcome);
    expect(lines.map(({ input, tap, failed }) => ({ input, tap, failed }))).toEqual([
      { input: "x", tap: "sum" },
      { input: "zero", tap: "sum" },
      { input: "y", tap: "sum" },
      { input: "x", tap: "norm" },
      { input: "zero", tap: "norm", failed: noRoot },
      { input: "y", tap: "norm" },
    ]);
    // The gradient of |2x| is 2x/|x|, that of |2x|² is 8x: σ = 2, 8·√30 and 0 by hand.
    const sigma = (input: string, tap: string) =>
      (lines.find((line) => line.input === input && line.tap === tap)!.sigma as number[])[0]!;
    for (const input of ["x", "y"]) {
      expect(sigma(input, "norm")).toBeCloseTo(2, 6);
      expect(sigma(input, "sum") / (8 * Math.sqrt(30))).toBeCloseTo(1, 6);
    }
    expect(sigma("zero", "sum")).toBe(0);
    expect(outcome.stderr).toContain("  at  file norm.onnx, input zero, node the root, op Sqrt, tap norm\n");
    expect(outcome.stderr.trimEnd().split("\n").at(-1)).toBe(
      "error: 1 of 6 units failed; the same command tries them again",
    );
  });

  test("is in the store and the report, and tried again by the same command", async () => {
    const stored = await openRun(new DirectoryStore(place.path("run")));
    expect(stored.failureOf(1, 1)).toEqual(noRoot);
    expect([0, 1, 2].map((input) => stored.isDone(input, 1))).toEqual([true, false, true]);
    expect((await run("report", "run")).code).toBe(0);
    const page = (await place.bytes("run")).get("report.html")!.toString();
    expect(page).toContain("1 unit failed");
    expect(page).toContain("zero → norm: There is no Jacobian at this input.");
    const again = await spectrum("norm.onnx", "x.npy", "zero.npy", "y.npy", "--taps", "sum,norm", "--out", "run");
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("note: 5 of 6 units are done already\n");
    expect(again.stderr).toContain("[1/1] zero → norm: failed\n");
    expect(again.stdout).toMatch(/^zero → norm failed: There is no Jacobian/m);
  });

  test("alone ends with the reason, and without numbers", async () => {
    const outcome = await spectrum("norm.onnx", "zero.npy", "--taps", "norm");
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toMatch(/^zero → norm failed: .*Sqrt/);
    expect(outcome.stderr).not.toContain("fault of Pushforward");
  });

  test.each([
    { model: "log.onnx", input: "minus.npy", says: 'Log, which gives "y": 1 of the 4 entries of its value are NaN' },
    {
      model: "log.onnx",
      input: "zero.npy",
      says: 'Log, which gives "y": 4 of the 4 entries of its value are infinite',
    },
    {
      model: "by-hand.onnx",
      input: "large.npy",
      says: 'Exp, which gives "e": 1 of the 4 entries of its value are infinite',
    },
    {
      model: "masked.onnx",
      input: "zero.npy",
      says: 'Sqrt, which gives "root": its value is finite, and its derivative is not',
    },
  ])("$model at $input: $says", async ({ model, input, says }) => {
    const outcome = await spectrum(model, input, "--taps", "y", "--json");
    expect(outcome.code).toBe(2);
    expect(linesOf(outcome)).toEqual([expect.objectContaining({ tap: "y", failed: expect.stringContaining(says) })]);
  });
});

describe("a cell of a study without a result", () => {
  const study = () =>
    run("study", "spectra", "norm.onnx", "x.npy", "zero.npy", "y.npy", "--taps", "sum,norm", "--out", "studies");

  test("is listed with its reason, and the others are measured", async () => {
    const { code, stdout, stderr } = await study();
    expect({ code, stdout }).toEqual({ code: 2, stdout: "studies/studies.html\n" });
    expect(stderr).toMatch(/spectra: tap norm, image zero failed: There is no Jacobian at this input\. .* is Sqrt/);
    expect(stderr.trimEnd().split("\n").at(-1)).toBe(
      "error: 1 cell of the study spectra failed; the same command tries again",
    );
    const stored = await openStudyRun(new DirectoryStore(place.path("studies", "spectra")));
    expect(stored.failures).toEqual([{ cell: [1, 1], why: expect.stringContaining("is Sqrt") }]);
    const cells = [0, 1].flatMap((tap) => [0, 1, 2].map((image) => stored.isDone([tap, image])));
    expect(cells).toEqual([true, true, true, true, false, true]);
    const page = (await place.bytes("studies")).get("studies.html")!.toString();
    expect(page).toContain("1 cell of the study spectra failed.");
    expect(page).toContain("tap norm, image zero: There is no Jacobian at this input.");
    const spectra = await openRun(new DirectoryStore(place.path("studies", "run")));
    expect(spectra.failureOf(1, 1)).toContain("is Sqrt");
  });

  test("is tried again by the same command, and does not end it", async () => {
    const { code, stderr } = await study();
    expect(code).toBe(2);
    expect(stderr).toContain("tap norm, image zero failed: ");
  });
});
