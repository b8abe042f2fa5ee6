import { describe, expect, it } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { iterate, type LayerDynamics, lyapunovSpectrum } from "../../src/dynamics/index.ts";
import { gaussianExponents } from "../../src/theory/index.ts";
import { henon, linear, open } from "./networks.ts";

/** Directions multiplied by diagonal matrices: entry e by `factors(step)[e]`. */
function diagonal(size: number, factors: (step: number) => readonly number[]): LayerDynamics {
  let step = 0;
  return {
    size,
    step: (tangents) => {
      const now = factors(step++);
      return Promise.resolve(tangents.map((value, i) => value * now[i % size]!));
    },
  };
}

describe("lyapunovSpectrum", () => {
  it("finds the logarithms of a diagonal matrix, the largest first", async () => {
    const { exponents, dimension } = await lyapunovSpectrum(
      diagonal(3, () => [0.5, 2, 1.25]),
      { steps: 200, seed: 1 },
    );
    exponents.forEach(({ value, belowFloor }, i) => {
      expect(value).toBeCloseTo(Math.log([2, 1.25, 0.5][i]!), 5);
      expect(belowFloor).toBe(0);
    });
    expect(dimension).toBe(3);
  });

  it("states an interval that contains the mean of rates that change from step to step", async () => {
    const rng = createRng(3, "rates");
    const { exponents } = await lyapunovSpectrum(
      diagonal(1, () => [Math.exp(0.2 + rng.gaussian())]),
      { steps: 4000, seed: 1 },
    );
    const { value, low, high } = exponents[0]!;
    expect(low).toBeLessThan(0.2);
    expect(high).toBeGreaterThan(0.2);
    expect((high - low) / 2).toBeCloseTo((2.093 / Math.sqrt(4000)) * 1, 1);
    expect(value).toBeGreaterThan(low);
  });

  it("says of directions that are erased that their exponents are bounds", async () => {
    const { exponents } = await lyapunovSpectrum(
      diagonal(3, () => [1, 0, 1e-9]),
      { steps: 50, seed: 1 },
    );
    expect(exponents[0]!.value).toBeCloseTo(0, 6);
    expect(exponents[1]!.belowFloor).toBe(1);
    expect(exponents[1]!.value).toBeGreaterThanOrEqual(Math.log(1e-9));
    const dead = await lyapunovSpectrum(
      diagonal(2, () => [0, 0]),
      { steps: 5, count: 1, seed: 1 },
    );
    expect(dead.exponents[0]!.value).toBe(Number.NEGATIVE_INFINITY);
  });

  it("refuses counts and steps that are not whole numbers in range", async () => {
    await expect(
      lyapunovSpectrum(
        diagonal(2, () => [1, 1]),
        { steps: 5, count: 3, seed: 1 },
      ),
    ).rejects.toThrow(/number of exponents is 3/);
    await expect(
      lyapunovSpectrum(
        diagonal(2, () => [1, 1]),
        { steps: 0, seed: 1 },
      ),
    ).rejects.toThrow(/number of steps is 0/);
  });
});

describe("a network that is iterated", () => {
  it("has the exponents of the map of Hénon, whose sum is ln 0.3", async () => {
    const network = await open(henon());
    const dynamics = iterate(network, { start: Float32Array.of(0.1, 0.1) });
    const { exponents, dimension } = await lyapunovSpectrum(dynamics, { steps: 3000, seed: 0 });
    const [first, second] = exponents.map(({ value }) => value);
    // Sprott 2003: 0.419 and −1.623, dimension 1.258.
    expect(Math.abs(first! - 0.4192)).toBeLessThan(0.02);
    expect(first! + second!).toBeCloseTo(Math.log(0.3), 4);
    expect(dimension).toBeCloseTo(1.258, 1);
    await network.close();
  });

  it("takes the values of its other inputs anew at each step: a product of Gaussian matrices has Newman's exponents", async () => {
    const [size, steps] = [16, 400];
    const network = await open(linear(size));
    const dynamics = iterate(network, {
      start: new Float32Array(size),
      inputsAt: (step) => ({
        weight: gaussianArray(createRng(7, "weight", step), size * size).map((value) => value / Math.sqrt(size)),
      }),
    });
    const { exponents } = await lyapunovSpectrum(dynamics, { steps, burnIn: 20, seed: 0 });
    const expected = gaussianExponents(size, 1, steps);
    const squares = exponents.map(({ value }, i) => ((value - expected[i]!.value) / expected[i]!.deviation) ** 2);
    expect(Math.max(...squares)).toBeLessThan(4 ** 2);
    const mean = squares.reduce((sum, square) => sum + square, 0) / size;
    expect(mean).toBeGreaterThan(0.3);
    expect(mean).toBeLessThan(2.2);
    await network.close();
  });

  it("keeps a state finite that only its length lets grow, where the network is homogeneous, and says where it is not", async () => {
    const network = await open(linear(2));
    const options = { start: Float32Array.of(1, 1), inputsAt: () => ({ weight: Float32Array.of(4, 0, 0, 2) }) };
    const spectrum = (homogeneous: boolean) =>
      lyapunovSpectrum(iterate(network, { ...options, homogeneous }), { steps: 200, burnIn: 0, seed: 0 });
    const { exponents } = await spectrum(true);
    expect(exponents[0]!.value).toBeCloseTo(Math.log(4), 2);
    await expect(spectrum(false)).rejects.toThrow(/infinite after 64 steps/);
    await network.close();
  });

  it("refuses a next state of another size, a first state that does not fit, and a state that is no input", async () => {
    const network = await open(henon());
    const start = new Float32Array(3);
    expect(() => iterate(network, { start })).toThrow(/3 entries/);
    expect(() => iterate(network, { start, from: network.tap("squares") })).toThrow(/is computed by the network/);
    await network.close();
  });
});
