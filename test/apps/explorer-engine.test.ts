import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetworkDescription, PicturesAnswer, SpectrumAnswer } from "../../src/apps/explorer/engine/answers.ts";
import { loadInput, networkBytes, openModel, parsePreset } from "../../src/apps/node/index.ts";
import { createRng } from "../../src/base/index.ts";
import { fitTo, writeNpy } from "../../src/images/index.ts";
import type { Network } from "../../src/jacobian/index.ts";
import { initialWeights } from "../../src/training/index.ts";
import { connect, digitsNetwork, digitsPictures, exampleFile, given } from "./explorer-host.ts";

const { client } = connect();
let opened: NetworkDescription;
let pictures: PicturesAnswer;
const partial: string[] = [];
/** The same network and inputs, by the library. */
let network: Network;
const points: Float32Array[] = [];

beforeAll(async () => {
  opened = await client.ask("open", { files: digitsNetwork });
  pictures = await client.ask(
    "pictures",
    { files: [...digitsPictures(6), given("broken.png", "no picture")] },
    { onPartial: ({ name }) => partial.push(name) },
  );
  network = await openModel("examples/digits/digits.onnx", { threads: 1 });
  const preset = fitTo(
    await parsePreset(
      JSON.parse(new TextDecoder().decode(exampleFile("preprocess.json").content as Uint8Array)),
      "",
      () => {
        throw new Error("no mean image");
      },
    ),
    network.input.shape,
  );
  for (const { name, failed } of pictures.pictures) {
    if (failed === undefined) points.push((await loadInput(`examples/digits/images/${name}`, preset)).data);
  }
});
afterAll(async () => {
  await client.ask("dispose", {});
  client.close();
  await network.close();
});

const first = () => pictures.pictures[0]!.picture;
const spectrumAt = (to: string, k = 4): Promise<SpectrumAnswer> => client.ask("spectrum", { picture: first(), to, k });

describe("a network and pictures", () => {
  test("the network is described with its taps, their edges, and the preset among its files", () => {
    expect(opened).toMatchObject({
      file: expect.stringMatching(/digits\.onnx$/),
      sha256: network.identity.sha256,
      classCount: 10,
      preprocessing: { name: "digits", reason: "It is in the file preprocess.json.", isUnsure: false },
    });
    expect(opened.presets[0]).toEqual({ name: "digits", unit: "full-scale pixel", fits: true });
    expect(opened.presets.find(({ name }) => name === "imagenet")?.fits).toBe(false);
    const { taps } = opened;
    expect(taps.map(({ name, cut, shape }) => ({ name, cut, shape }))).toEqual(
      network.taps.map(({ name, cut, shape }) => ({ name, cut, shape })),
    );
    // The example is a chain: each tap leads to the next alone.
    expect(taps.map(({ next }) => next)).toEqual(taps.map((_, i) => (i + 1 < taps.length ? [i + 1] : [])));
    expect(taps.map(({ hasJacobian }) => hasJacobian)).toEqual(taps.map((_, i) => i > 0));
  });

  test("pictures are described with their classes, and one that is broken does not end the others", () => {
    expect(partial).toEqual(pictures.pictures.map(({ name }) => name));
    expect(pictures.accuracy).toEqual({ right: 6, of: 6 });
    expect(pictures.warnings).toEqual(["1 of 7 pictures have no row in labels.tsv, for example broken.png."]);
    const [digit] = pictures.pictures;
    expect(digit).toMatchObject({ name: "0-0001.png", width: 28, height: 28, label: "0", isRight: true });
    expect(digit!.top).toHaveLength(5);
    expect(digit!.top![0]!.name).toBe("0");
    expect(digit!.pixels!.rgba).toHaveLength(4 * 28 * 28);
    expect(Array.from(digit!.pixels!.rgba.filter((_, i) => i % 4 === 0))).toEqual(
      Array.from(points[0]!, (value) => Math.round(255 * value)),
    );
    expect(pictures.pictures.at(-1)).toEqual({
      picture: 7,
      name: "broken.png",
      failed: expect.objectContaining({ code: "image-undecodable", where: { file: "broken.png" } }),
    });
  });
});

describe("spectra", () => {
  test("a spectrum is that of the library, to the last bit, and its σ come before they are certified", async () => {
    const partials: Float64Array[] = [];
    const asked = { picture: first(), to: "relu1", k: 5, tol: 1e-5, seed: 3 };
    const found = await client.ask("spectrum", asked, { onPartial: ({ sigma }) => partials.push(sigma) });
    using J = await network.jacobian({ at: points[0]!, to: "relu1" });
    const expected = await J.svd({ k: 5, tol: 1e-5, seed: 3 });
    expect(found.sigma).toEqual(expected.sigma);
    expect(found.residual).toEqual(expected.certificate.residual);
    expect(found).toMatchObject({
      from: opened.source,
      to: "relu1",
      picture: first(),
      missed: expected.certificate.missed,
    });
    expect(partials.at(-1)).toHaveLength(5);
    for (const side of ["u", "v"] as const) {
      const { values, shape } = await client.ask("vector", { spectrum: found.spectrum, index: 1, side });
      const length = values.length;
      expect(values).toEqual(expected[side].slice(length, 2 * length));
      expect(shape).toEqual(side === "u" ? J.target : J.source);
    }
  });

  test("a cancel is heard within 300 ms of a solve, and the next request is answered", async () => {
    const controller = new AbortController();
    const [to] = opened.taps.filter(({ op }) => op === "Conv");
    const begun = new Promise<void>((resolve) => {
      const onProgress = ({ products = 0 }) => {
        if (products > 0) resolve();
      };
      const solve = client.ask(
        "spectrum",
        { picture: first(), to: to!.name, k: 700, tol: 1e-6 },
        { signal: controller.signal, onProgress },
      );
      solve.catch(() => undefined);
      cancelled = solve;
    });
    await begun;
    const started = performance.now();
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "interrupted", what: "The request was cancelled." });
    expect(performance.now() - started).toBeLessThan(300);
    expect((await spectrumAt("logits", 2)).sigma).toHaveLength(2);
  });
  let cancelled: Promise<unknown>;
});

describe("steps", () => {
  test("the prediction is f(x) + ε·J·v", async () => {
    // Pictures have even parts, where windows of pools are tied, so that the network has kinks there; this array has none.
    const rng = createRng(1, "point");
    const x = Float32Array.from({ length: 784 }, () => 0.2 + 0.6 * rng.uniform());
    const added = await client.ask("pictures", { files: [given("x.npy", writeNpy({ shape: [1, 28, 28], data: x }))] });
    const { picture } = added.pictures.at(-1)!;
    const { spectrum, sigma } = await client.ask("spectrum", { picture, to: "logits", k: 1 });
    const direction = { spectrum, index: 0 };
    const epsilon = [0.004, -0.05, 0.5];
    const answer = await client.ask("step", { picture, direction, epsilon });
    using J = await network.jacobian({ at: x, to: "logits" });
    const { values: v } = await client.ask("vector", { spectrum, index: 0, side: "v" });
    const { data: Jv } = await J.jvp(v);
    expect(answer.scores).toEqual(J.value);
    for (const [i, step] of answer.steps.entries()) {
      for (const [c, value] of step.predicted.entries()) {
        expect(value).toBeCloseTo(J.value[c]! + epsilon[i]! * Jv[c]!, 4);
      }
      // J·v₁ has length σ₁.
      expect(step.change).toBeCloseTo(Math.abs(epsilon[i]!) * sigma[0]!, 4);
      const [actual] = await network.forward(
        x.map((value, at) => value + epsilon[i]! * v[at]!),
        [network.output],
      );
      for (const [c, value] of step.actual.entries()) expect(value).toBeCloseTo(actual![c]!, 3);
    }
    await client.ask("removePictures", { pictures: [picture] });
  });

  test("the gap of a smooth network falls as ε²", async () => {
    const { client: other } = connect();
    const layers = [{ kind: "dense", units: 12 }, { kind: "tanh" }, { kind: "dense", units: 3 }] as const;
    const smooth = { name: "smooth", input: [1, 6, 6], layers };
    const bytes = networkBytes(smooth, initialWeights(smooth, { kind: "glorot" }, 1));
    await other.ask("open", { files: [given("smooth.onnx", bytes)] });
    const rng = createRng(1, "point");
    const data = Float32Array.from({ length: 36 }, () => rng.uniform());
    const { pictures: added } = await other.ask("pictures", {
      files: [given("x.npy", writeNpy({ shape: [1, 6, 6], data }))],
    });
    const direction = { random: 1 };
    const { steps } = await other.ask("step", {
      picture: added[0]!.picture,
      direction,
      epsilon: [0.4, 0.2, 0.1, -0.1],
    });
    const curvatures = steps.map(({ gap, epsilon }) => gap / epsilon ** 2);
    // They differ by the third order, and by rounding of about 1e-6.
    expect(Math.max(...curvatures) / Math.min(...curvatures)).toBeLessThan(1.5);
    expect(steps[2]!.gap).toBeGreaterThan(1e-4);
    expect(steps[2]!.change).toBeCloseTo(steps[3]!.change, 6);
    await other.ask("dispose", {});
    other.close();
  });

  test("a random direction has the same length, and steps are answered while a spectrum is solved", async () => {
    const controller = new AbortController();
    const solve = client.ask(
      "spectrum",
      { picture: first(), to: "relu1", k: 300, tol: 1e-6 },
      { signal: controller.signal },
    );
    const ended = expect(solve).rejects.toMatchObject({ code: "interrupted" });
    const direction = { random: 5 };
    const warm = await client.ask("step", { picture: first(), direction, epsilon: 1 });
    expect(Math.hypot(...differences(warm.steps[0]!.pixels!.rgba, pictures.pictures[0]!.pixels!.rgba))).toBeGreaterThan(
      0,
    );
    const started = performance.now();
    await client.ask("step", { picture: first(), direction, epsilon: 0.5 });
    expect(performance.now() - started).toBeLessThan(300); // It waits for one run of the solve at most.
    controller.abort();
    await ended;
  });

  test("a random direction may begin at an inner tap, and the output moves from there", async () => {
    const direction = { random: 1, from: "pool2" };
    const { steps } = await client.ask("step", { picture: first(), direction, epsilon: [0.01, 0.1] });
    expect(steps.map(({ pixels }) => pixels)).toEqual([undefined, undefined]);
    expect(steps[1]!.change / steps[0]!.change).toBeCloseTo(10, 6);
    expect(steps[0]!.gap).toBeLessThan(0.1 * steps[0]!.change);
    const nowhere = client.ask("step", { picture: first(), direction: { random: 1, from: "nowhere" }, epsilon: 1 });
    await expect(nowhere).rejects.toMatchObject({ code: "tap-unknown" });
  });

  test("of steps that wait, the newest wins", async () => {
    const all = [1, 2, 3, 4].map((epsilon) =>
      client.ask("step", { picture: first(), direction: { random: 1 }, epsilon }),
    );
    const results = await Promise.allSettled(all);
    expect(results.map(({ status }) => status).slice(1)).toEqual(["rejected", "rejected", "fulfilled"]);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "interrupted" } });
  });

  test("the nearest class change is one: just before it the class is the same", async () => {
    const { spectrum } = await spectrumAt("logits", 3);
    const { changes, range, class: own } = await client.ask("nearestChange", { picture: first(), spectrum });
    expect(changes.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const { index, epsilon, class: other } of changes) {
      if (epsilon === undefined) continue;
      expect(Math.abs(epsilon)).toBeLessThanOrEqual(range);
      const direction = { spectrum, index };
      const { steps } = await client.ask("step", { picture: first(), direction, epsilon: [0.999 * epsilon, epsilon] });
      expect(steps.map((step) => step.class)).toEqual([own, other]);
    }
    expect(changes.some(({ epsilon }) => epsilon !== undefined)).toBe(true);
    const none = await client.ask("nearestChange", { picture: first(), spectrum, indices: [0], range: 1e-3 });
    expect(none.changes).toEqual([{ index: 0 }]);
  });
});

describe("noise and movement", () => {
  test("a noisy picture is that of its kind, and a picture like any other", async () => {
    const asked = { picture: first(), kind: "gaussian", level: 0.1, seed: 2 } as const;
    const made = await client.ask("noise", { ...asked, spectrum: { to: "logits", k: 2 } });
    const rng = createRng(2, "noise", "gaussian");
    const noisy = points[0]!.map((value) => Math.min(1, Math.max(0, value + 0.1 * rng.gaussian())));
    const [scores] = await network.forward(noisy, [network.output]);
    for (const [c, score] of made.scores.entries()) expect(score).toBeCloseTo(scores![c]!, 3);
    expect(made.picture).toMatchObject({ name: "0-0001.png + gaussian 0.1", label: "0" });
    const again = await client.ask("spectrum", { picture: made.picture.picture, to: "logits", k: 2 });
    expect(again.sigma).toEqual(made.spectrum!.sigma);
    const left = await client.ask("removePictures", { pictures: [made.picture.picture] });
    expect(left).toEqual(pictures);
    await expect(client.ask("spectrum", { picture: made.picture.picture, k: 1 })).rejects.toMatchObject({
      code: "usage",
    });
    await expect(client.ask("noise", { ...asked, level: -1 })).rejects.toThrow(/strength of the noise is -1/);
  });

  test("all pictures at all cuts, each plane of mean square length 1", async () => {
    const seen: number[] = [];
    const onPartial = ({ taps }: { taps: readonly string[] }) => seen.push(taps.length);
    const { taps, position, pictures: numbers } = await client.ask("trajectory", {}, { onPartial });
    expect(taps).toEqual(opened.taps.filter(({ cut }) => cut).map(({ name }) => name));
    expect(seen).toEqual(taps.map((_, i) => i + 1));
    expect(numbers).toEqual(
      pictures.pictures.filter(({ failed }) => failed === undefined).map(({ picture }) => picture),
    );
    const each = 2 * numbers.length;
    for (let t = 0; t < taps.length; t++) {
      const plane = position.subarray(t * each, (t + 1) * each);
      expect(plane.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(numbers.length, 9);
    }
  });
});

function differences(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  return Array.from(a, (value, i) => value - b[i]!);
}
