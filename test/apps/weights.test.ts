import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { readNpy } from "../../src/images/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
let x: Float32Array;
beforeAll(async () => {
  const npy = randomNpy([1, 12, 12], 1);
  x = readNpy(npy, "x.npy").data as Float32Array;
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "x.npy": npy,
    "v.npy": randomNpy([1, 1, 12, 12], 2),
  });
});
afterAll(() => place.remove());

const run = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });
const spectrum = async (...args: readonly string[]) => {
  const outcome = await run("spectrum", ...args, "--json", "--no-plan");
  expect(outcome.code, outcome.stderr).toBe(0);
  return JSON.parse(outcome.stdout);
};

test("spectrum takes a weight as source: by the last one, every σ is the norm of what the layer reads", async () => {
  const { from, m, n, sigma, missed, status } = await spectrum("net.onnx", "x.npy", "--from", "w3", "--at", "logits");
  expect({ from, m, n, missed }).toMatchObject({ from: "w3", m: 10, n: 2160, missed: { kind: "exact" } });
  const net = await openModel(place.path("net.onnx"));
  const [flat] = await net.forward(x, [net.tap("relu2")]);
  await net.close();
  for (const value of sigma) expect(value / Math.hypot(...flat!)).toBeCloseTo(1, 5);
  expect(new Set(status)).toEqual(new Set(["converged"]));
});

test("a part of a weight can be the source, and a run with a weight is stored, continued and shown", async () => {
  const asked = [
    "spectrum",
    "net.onnx",
    "x.npy",
    "--from",
    "w2[1:3]",
    "--at",
    "conv2,logits",
    "-k",
    "3",
    "--out",
    "run",
  ];
  expect((await run(...asked)).code).toBe(0);
  expect((await run(...asked)).stderr).toContain("2 of 2 units are done already");
  expect((await run("report", "run")).code).toBe(0);
  const page = Buffer.from((await place.bytes("run")).get("report.html")!).toString();
  expect(page).toContain("w2[1:3], 2×4×3×3 (tensor w2, its entries [1:3])");
  expect(page).not.toContain("--input w2");
});

test("an exported derivative has the weight as a constant, and takes tangents of its shape", async () => {
  const outcome = await run(
    "export",
    "net.onnx",
    "--jvp",
    "--with-primal",
    "--from",
    "w1",
    "--out",
    "by-weight.onnx",
    "--json",
  );
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(JSON.parse(outcome.stdout).inputs).toEqual([
    { name: "picture", type: "float32", shape: [1, 1, 12, 12] },
    { name: "tangent", type: "float32", shape: ["K", 4, 1, 3, 3] },
  ]);
});

test("a product in a file is a network, which is differentiated again", async () => {
  expect((await run("export", "net.onnx", "--jvp", "--with-primal", "--to", "conv2", "--out", "jvp.onnx")).code).toBe(
    0,
  );
  const asked = ["jvp.onnx", "x.npy", "--input", "tangent=v.npy", "--at", "conv2,jvp"];
  const outcome = await run("spectrum", ...asked, "--json", "--no-plan", "-k", "3");
  // Behind ReLU and max pools alone, J does not move with the picture.
  expect(outcome.stderr).toContain("jvp");
  const byTangent = await spectrum(
    "jvp.onnx",
    "x.npy",
    "--input",
    "tangent=v.npy",
    "--from",
    "tangent",
    "--at",
    "jvp",
    "-k",
    "3",
  );
  const byPicture = await spectrum("net.onnx", "x.npy", "--at", "conv2", "-k", "3");
  expect(relativeDistance(Float64Array.from(byTangent.sigma), Float64Array.from(byPicture.sigma))).toBeLessThan(1e-6);
});

test("a checkpoint is fed to a network that is compiled once", async () => {
  const net = await openModel(place.path("net.onnx"), { weights: ["w2", "w3"] });
  const w3 = gaussianArray(createRng("checkpoint"), 2160);
  using own = await net.jacobian({ at: { picture: x }, to: "logits" });
  using other = await net.jacobian({ at: { picture: x, w3 }, to: "logits" });
  expect(relativeDistance(own.value, other.value)).toBeGreaterThan(0.1);
  expect(net.inputs.map(({ name, state }) => [name, state])).toEqual([
    ["picture", "pictures"],
    ["w2", "given"],
    ["w3", "given"],
  ]);
  await net.close();
});

test("a name that is neither a tap nor a weight is refused", async () => {
  const outcome = await run("spectrum", "net.onnx", "x.npy", "--from", "w4");
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain('There is no tap "w4".');
});
