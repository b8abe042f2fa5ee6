import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { type Certificate, type Network, openModel, type SingularTriplets } from "../../src/apps/node/index.ts";
import { createRng } from "../../src/base/index.ts";
import { readNpy } from "../../src/images/npy.ts";
import { floatTensor } from "../../src/onnx/index.ts";
import { type Jacobian64, jacobian64 } from "../laws/jacobian64.ts";
import { distance } from "../laws/vectors.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { jacobiSingularValues } from "../support/spectra.ts";

/** Singular values of a Jacobian, computed elsewhere in float64. */
interface Reference {
  readonly model: string;
  readonly input: string;
  readonly tap: string;
  readonly shape: readonly [m: number, n: number];
  readonly k: number;
  readonly sigma: readonly number[];
}

const references: readonly Reference[] =
  sharedDir === undefined
    ? []
    : readdirSync(sharedPath("reference"))
        .filter((file) => file.endsWith(".json"))
        .map((file) => JSON.parse(readFileSync(sharedPath("reference", file), "utf8")));

/** float32 products, relative to σ₁: a small network, and 25 layers. */
const tolerance = (model: string) => (model === "mnist.onnx" ? 2e-6 : 1e-5);
const TOL = 1e-5;
/** Solves of long vectors on a busy machine. */
const PATIENCE = 900_000;

const opened = new Map<string, Promise<Network>>();
function open(model: string): Promise<Network> {
  const network = opened.get(model) ?? openModel(sharedPath("data", "models", model));
  opened.set(model, network);
  return network;
}
afterAll(async () => {
  for (const network of opened.values()) await (await network).close();
});

const read = (input: string) => readNpy(readFileSync(sharedPath("reference", input)), input).data;

/** J(input → tap) of a network in float64, by the naive column of the linear operations. */
function inFloat64({ model, input }: Network, point: Float32Array, tensor: string): Promise<Jacobian64> {
  const x = floatTensor(model.values.get(input.tensor)!.shape, point);
  return jacobian64({ model, point: new Map([[input.tensor, x]]), sources: [input.tensor], targets: [tensor] });
}

/** The largest ‖Jv − σu‖ or ‖Jᵀu − σv‖ of all triplets, in units of the largest σ. */
function worstResidual(J: Pick<Jacobian64, "jvp" | "vjp">, { sigma, u, v }: SingularTriplets): number {
  const [m, n] = [u.length / sigma.length, v.length / sigma.length];
  const residuals = Array.from(sigma, (value, i) => {
    const left = Float64Array.from(u.subarray(i * m, (i + 1) * m));
    const right = Float64Array.from(v.subarray(i * n, (i + 1) * n));
    return Math.max(
      distance(
        J.jvp(right),
        left.map((entry) => value * entry),
      ),
      distance(
        J.vjp(left),
        right.map((entry) => value * entry),
      ),
    );
  });
  return Math.max(...residuals) / sigma[0]!;
}

function worstDifference(sigma: ArrayLike<number>, truth: ArrayLike<number>): number {
  const differences = Array.from(sigma, (value, i) => Math.abs(value - truth[i]!));
  return Math.max(...differences) / truth[0]!;
}

/** Every triplet is certified, those apart whose true σ lies below the floor (within the residual that the floor allows). */
function expectFinished({ status, floor }: Certificate, truth: ArrayLike<number>): void {
  for (const [i, word] of status.entries()) {
    if (truth[i]! > 2 * floor) expect(word).toBe("converged");
    else if (truth[i]! === 0) expect(word).toBe("below-floor");
    else expect(["converged", "below-floor"]).toContain(word);
  }
}

describe.skipIf(sharedDir === undefined)(`spectra computed elsewhere (skipped: ${withoutShared})`, () => {
  test.each(references)(
    "$model at $tap, $input, k = $k",
    async ({ model, input, tap, shape, k, sigma }) => {
      const network = await open(model);
      const J = await network.jacobian({ at: read(input), to: tap });
      const triplets = await J.svd({ k, tol: TOL });
      expect([triplets.u.length, triplets.v.length]).toEqual(shape.map((extent) => k * extent));
      expect(triplets.certificate.status).toHaveLength(k);
      expectFinished(triplets.certificate, sigma);
      expect(triplets.sigma).toHaveLength(sigma.length);
      expect(worstDifference(triplets.sigma, sigma)).toBeLessThan(tolerance(model));
    },
    PATIENCE,
  );

  test("are there for every kind of layer", () => {
    expect(references.map(({ model, tap }) => `${model} ${tap}`).sort()).toEqual([
      "mnist.onnx Plus112_Output_0",
      "mnist.onnx Plus214_Output_0",
      "mnist.onnx Pooling160_Output_0",
      "mnist.onnx Pooling66_Output_0",
      "mnist.onnx ReLU114_Output_0",
      "mnist.onnx ReLU32_Output_0",
      "squeezenet1.1.onnx fire9.concat",
      "squeezenet1.1.onnx logits",
    ]);
  });
});

describe.skipIf(sharedDir === undefined)(`spectra computed here in float64 (skipped: ${withoutShared})`, () => {
  test.each([
    { tap: "pool2", k: 256 },
    { tap: "add3", k: 10 },
  ])("mnist.onnx at $tap, digit1.npy: every singular value", async ({ tap, k }) => {
    const network = await open("mnist.onnx");
    const point = read("digit1.npy");
    const J = await network.jacobian({ at: point, to: tap });
    const { sigma, certificate } = await J.svd({ k, tol: TOL });
    const truth = await inFloat64(network, point, network.tap(tap).tensor);
    const rows = Array.from({ length: k }, (_, row) => truth.vjp(new Float64Array(k).fill(1, row, row + 1)));
    const expected = jacobiSingularValues(
      rows.flatMap((row) => [...row]),
      k,
      truth.n,
    );
    expect(worstDifference(sigma, expected)).toBeLessThan(tolerance("mnist.onnx"));
    expect(certificate.status).toHaveLength(k);
    expectFinished(certificate, expected);
  });

  test.each([
    { model: "mnist.onnx", input: "digit1.npy", tap: "relu1", k: 32 },
    { model: "squeezenet1.1.onnx", input: "image1.npy", tap: "fire2.concat", k: 1 },
  ])(
    "$model at $tap, $input: the residuals of the largest $k",
    async ({ model, input, tap, k }) => {
      const network = await open(model);
      const point = read(input);
      const J = await network.jacobian({ at: point, to: tap });
      const triplets = await J.svd({ k, tol: TOL });
      const truth = await inFloat64(network, point, network.tap(tap).tensor);
      expect(worstResidual(truth, triplets)).toBeLessThan(tolerance(model));
    },
    PATIENCE,
  );

  test("mnist.onnx at relu2, a digit with noise: Jv by differences of the network itself", async () => {
    const network = await open("mnist.onnx");
    const rng = createRng("noise");
    const point = read("digit0.npy").map((level) => level + rng.gaussian()); // off the ties of a blank background
    const J = await network.jacobian({ at: point, to: "relu2" });
    const triplets = await J.svd({ k: 16, tol: 1e-6 });
    const truth = await inFloat64(network, point, network.tap("relu2").tensor);
    const step = 1e-6; // crosses no kink, and leaves 8 digits
    const jvp = (v: Float64Array) => {
      const [above, below] = [truth.shifted(v, step), truth.shifted(v, -step)];
      return above.map((value, i) => (value - below[i]!) / (2 * step));
    };
    expect(worstResidual({ jvp, vjp: truth.vjp }, triplets)).toBeLessThan(tolerance("mnist.onnx"));
  });
});
