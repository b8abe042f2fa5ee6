import { afterAll, describe, expect, test } from "vitest";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo } from "../../src/onnx/index.ts";
import { flatTable } from "../../src/studies/control-findings.ts";
import { manifold } from "../../src/studies/manifold.ts";
import { type StudyData, valueAt } from "../../src/studies/study.ts";
import { tangentsOf } from "../../src/studies/tangents.ts";
import { convnet, lowRankNet } from "../apps/networks.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function open(options: Partial<Parameters<typeof laboratory>[0]> = {}): Promise<Laboratory> {
  const one = await laboratory({ model: convnet(), taps: ["conv1", "relu1", "logits"], ...options });
  opened.push(one);
  return one;
}

const SIDE = 4;
const N = SIDE * SIDE;
/** A picture of some height and width by its coordinates about the centre. */
const pictureOf = (of: (x: number, y: number) => number, [height, width] = [SIDE, SIDE]) =>
  Float32Array.from({ length: height! * width! }, (_, at) =>
    of((at % width!) - (width! - 1) / 2, Math.floor(at / width!) - (height! - 1) / 2),
  );
const slope = (a: number, b: number) => pictureOf((x, y) => a * x + b * y);

describe("tangents", () => {
  test("of a picture that is linear in its columns and rows, also at the border", () => {
    const shape = [1, 3, 5];
    const picture = pictureOf((x, y) => 2 * x - 3 * y, [3, 5]);
    const tangents = tangentsOf(picture, shape);
    expect([...new Set(tangents["horizontal shift"])]).toEqual([2]);
    expect([...new Set(tangents["vertical shift"])]).toEqual([-3]);
    expect([...new Set(tangents["stroke width"])]).toEqual([Math.fround(Math.hypot(2, 3))]);
    expect(tangents.scale).toEqual(picture);
    expect(tangents.contrast).toEqual(picture);
    expect(tangents.rotation).toEqual(pictureOf((x, y) => -3 * x - 2 * y, [3, 5]));
  });

  test("a rotation does not change what is alike all around, and scale makes it steeper", () => {
    // Central differences of squares are exact, and so are these numbers in float32.
    const picture = pictureOf((x, y) => x * x + y * y, [7, 7]);
    const { rotation, scale } = tangentsOf(picture, [1, 7, 7]);
    picture.forEach((value, at) => {
      if ([0, 6].includes(at % 7) || [0, 6].includes(Math.floor(at / 7))) return;
      expect(rotation[at]).toBeCloseTo(0, 12);
      expect(scale[at]).toBe(2 * value);
    });
  });

  test("channels are pictures of their own", () => {
    const [one, other] = [slope(1, 2), slope(-3, 1).map((value) => value + 7)];
    const both = tangentsOf(Float32Array.of(...one, ...other), [2, SIDE, SIDE]);
    for (const name of ["rotation", "contrast", "stroke width"] as const) {
      const apart = [one, other].flatMap((picture) => [...tangentsOf(picture, [1, SIDE, SIDE])[name]]);
      expect([...both[name]]).toEqual(apart);
    }
  });

  test("a picture of one pixel moves nowhere", () => {
    for (const tangent of Object.values(tangentsOf(Float32Array.of(3), [1, 1, 1]))) expect(tangent[0]).toBeCloseTo(0);
  });
});

/** Entries of a matrix that scales pixels, the first and the last one most; powers of two, which have exact inverses. */
const scales = Array.from({ length: N }, (_, at) => (at === 0 ? 8 : at === N - 1 ? 4 : 0.25));
/** The mean square of a coordinate times the number of pixels: ‖x‖². */
const SQUARES = slope(1, 0).reduce((sum, x) => sum + x * x, 0);
/** The orthogonal projection on pictures that are linear in columns and rows. */
const onLinear = (a: number, b: number): number => {
  const [xs, ys] = [slope(1, 0), slope(0, 1)];
  return 1 / N + (xs[a]! * xs[b]! + ys[a]! * ys[b]!) / SQUARES;
};

/** one = D·x, two = (I + 9P)·x: right singular vectors are pixels, then pictures that are linear in columns and rows. */
function linearNet(): OnnxModel {
  const matrix = (entry: (row: number, column: number) => number) =>
    floatTensor(
      [N, N],
      Float32Array.from({ length: N * N }, (_, at) => entry(Math.floor(at / N), at % N)),
    );
  const unit = (row: number, column: number) => (row === column ? 1 : 0);
  return buildModel({
    inputs: [valueInfo("x", "float32", [1, 1, SIDE, SIDE])],
    outputs: [valueInfo("two", "float32", [1, N])],
    nodes: [
      node({ op: "Flatten", inputs: ["x"], outputs: ["flat"] }),
      node({ op: "MatMul", inputs: ["flat", "d"], outputs: ["one"], name: "one" }),
      node({ op: "MatMul", inputs: ["one", "e"], outputs: ["two"], name: "two" }),
    ],
    initializers: new Map([
      ["d", matrix((row, column) => scales[row]! * unit(row, column))],
      ["e", matrix((row, column) => (unit(row, column) + 9 * onLinear(row, column)) / scales[row]!)],
    ]),
  });
}

const slopes = [
  [3, 1],
  [2, -1],
  [-2, 5],
] as const;
const linearLab = (images: readonly (readonly [number, number])[] = slopes) =>
  open({
    model: linearNet(),
    taps: ["one", "two"],
    points: images.map(([a, b]) => slope(a, b)),
    k: N,
    vectors: N,
  });
const settings = ["directions=2,3,16", "neighbours=1", "local=1", "draws=3"];

const [SIX, NEIGHBOURS] = [6, 6];
const degrees = (cosineSquared: number) => (Math.acos(Math.sqrt(cosineSquared)) * 180) / Math.PI;
/**
 * Residuals of at most 1e-5·σ₁ turn a span of two by at most √2·√2 times that over the gap behind it (Wedin 1972), and no cos²
 * changes by more than the sine of it.
 */
const TURNED = 2 * 1e-5 * (8 / (4 - 0.25));
/** Products of rows whose entries are rounded to float32, of length 1 but for that: what may lack of a cos² of 1. */
const ROUNDED = 8 * 2 ** -23;

const energyAt = (data: StudyData, image: number, tap: number, j: number, tangent: number) =>
  valueAt(data, "energy", [image, tap, data.axes.direction!.indexOf(j), tangent]);
const angleAt = (data: StudyData, image: number, tap: number, j: number, space: string, which: string) =>
  valueAt(data, "angle", [
    image,
    tap,
    data.axes.direction!.indexOf(j),
    data.axes.space!.indexOf(space),
    data.axes.which!.indexOf(which),
  ]);

describe("manifold", () => {
  test("of a linear network whose singular vectors are two pixels: energies and angles by hand", async () => {
    const data = await (await linearLab()).study(manifold, { set: settings });
    // Of a·x + b·y with ‖x‖² = ‖y‖², where the two pixels have x = y = ∓1.5.
    const inPixels = (a: number, b: number) => (2 * (1.5 * (a + b)) ** 2) / (SQUARES * (a * a + b * b));
    const nearest = [1, 0, 0]; // by differences of slopes
    slopes.forEach(([a, b], image) => {
      const [c, d] = slopes[nearest[image]!]!;
      const flat = 2 / N;
      const expected = [flat, flat, inPixels(b, -a), inPixels(a, b), inPixels(a, b), flat, inPixels(c - a, d - b)];
      expected.forEach((energy, tangent) => {
        expect(Math.abs(energyAt(data, image, 0, 2, tangent) - energy)).toBeLessThan(TURNED);
      });
      expect(valueAt(data, "chance", [image, 0, 0])).toBe(2 / N);
      // All six tangents are combinations of 1, x and y: the cos² are eigenvalues of the projection on them, at the two pixels.
      const [own, across] = [onLinear(0, 0), onLinear(0, N - 1)];
      const cosines = [own - across, own + across].sort((p, q) => q - p);
      const angles = cosines.map(degrees);
      // dθ = d(cos²)/sin 2θ
      const off = Math.max(...angles.map((angle) => ((TURNED / Math.sin((angle * Math.PI) / 90)) * 180) / Math.PI));
      expect(Math.abs(angleAt(data, image, 0, 2, "transformations", "smallest") - angles[0]!)).toBeLessThan(off);
      const middle = (angles[0]! + angles[1]!) / 2;
      expect(Math.abs(angleAt(data, image, 0, 2, "transformations", "mean") - middle)).toBeLessThan(off);
      const alone = degrees(energyAt(data, image, 0, 2, NEIGHBOURS));
      for (const which of ["smallest", "mean"]) {
        expect(angleAt(data, image, 0, 2, "neighbours", which)).toBeCloseTo(alone, 9);
      }
    });
  });

  test("where the span holds the tangents, or is everything, energies are 1 and angles 0", async () => {
    const data = await (await linearLab()).study(manifold, { set: settings });
    for (let image = 0; image < slopes.length; image++) {
      for (const [tap, j, spaces] of [
        [1, 3, ["transformations", "neighbours"]],
        [0, N, ["transformations", "neighbours", "random"]],
        [1, N, ["transformations", "neighbours", "random"]],
      ] as const) {
        for (let tangent = 0; tangent <= SIX; tangent++) {
          expect(Math.abs(energyAt(data, image, tap, j, tangent) - 1)).toBeLessThan(ROUNDED);
        }
        for (const space of spaces) {
          for (const which of ["smallest", "mean"]) {
            expect(angleAt(data, image, tap, j, space, which)).toBeLessThan(degrees(1 - ROUNDED));
          }
        }
      }
    }
  });

  test("claims hold of a network that was made for them", async () => {
    const { study } = await linearLab([...slopes, [4, -3], [-5, 2], [1, 6]]);
    const data = await study(manifold, { set: [...settings, "directions=2,3"] });
    const { verdicts } = manifold.conclude(data, {});
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["supported", "supported", "supported"]);
    // 1 over 3/16, at every image.
    expect(verdicts[0]!.because).toContain("5.33 (the same for all 6 images)");
  });

  test("no tangent lies nearer than the smallest angle, and larger spans hold more", async () => {
    const data = await (await open({ vectors: 4 })).study(manifold, { set: ["directions=1,4", "draws=2"] });
    for (let image = 0; image < 4; image++) {
      for (let tap = 0; tap < 3; tap++) {
        for (let tangent = 0; tangent <= SIX; tangent++) {
          const [less, more] = [1, 4].map((j) => energyAt(data, image, tap, j, tangent));
          expect(less).toBeLessThanOrEqual(more!);
          const space = tangent === NEIGHBOURS ? "neighbours" : "transformations";
          const nearest = Math.cos((angleAt(data, image, tap, 4, space, "smallest") * Math.PI) / 180) ** 2;
          expect(more).toBeLessThanOrEqual(nearest + ROUNDED);
        }
        for (const space of data.axes.space!) {
          const [smallest, mean] = ["smallest", "mean"].map((which) =>
            angleAt(data, image, tap, 4, String(space), which),
          );
          expect(smallest).toBeLessThanOrEqual(mean!);
        }
      }
    }
  });

  test("a random subspace of six dimensions lies as far from a direction as it should", async () => {
    const draws = 400;
    const { study } = await open({ taps: ["conv1"], count: 1 });
    const data = await study(manifold, { set: ["directions=1", `draws=${draws}`] });
    // The angle of a direction and a random subspace of dimension d has the density cos^(d−1)θ · sin^(n−d−1)θ.
    const [n, d, steps] = [144, 6, 10_000];
    let [total, first, second] = [0, 0, 0];
    for (let i = 1; i < steps; i++) {
      const angle = (90 * i) / steps;
      const radians = (angle * Math.PI) / 180;
      const weight = Math.cos(radians) ** (d - 1) * Math.sin(radians) ** (n - d - 1);
      total += weight;
      first += weight * angle;
      second += weight * angle * angle;
    }
    const expected = first / total;
    const deviation = Math.sqrt(second / total - expected ** 2);
    for (const which of ["smallest", "mean"]) {
      const found = angleAt(data, 0, 0, 1, "random", which);
      expect(Math.abs(found - expected)).toBeLessThan((4 * deviation) / Math.sqrt(draws));
    }
  });

  test("where J knows nothing of the images, the directions to neighbours have j/n of their energy in the span", async () => {
    // Random images around 0, each with its own 3 of 144 dimensions: the share of each is Beta(j/2, (n − j)/2).
    const [count, j, n, local] = [40, 3, 144, 3];
    const { study } = await open({ taps: ["conv1"], count });
    const data = await study(manifold, { set: [`directions=${j}`, `local=${local}`, "draws=1"] });
    const shares = Array.from({ length: count }, (_, image) => energyAt(data, image, 0, j, NEIGHBOURS));
    const mean = shares.reduce((sum, share) => sum + share, 0) / count;
    const deviation = Math.sqrt((2 * j * (n - j)) / (n * n * (n + 2)));
    expect(Math.abs(mean - j / n)).toBeLessThan((4 * deviation) / Math.sqrt(count * local));
  });

  test("a tap that has fewer singular vectors is measured with all, and held against as many", async () => {
    const { study } = await open({ taps: ["logits"], count: 2, k: 12, vectors: 12 });
    const data = await study(manifold, { set: ["directions=10,12", "draws=1"] });
    for (const { dims, data: numbers } of Object.values(data.values)) {
      const inner = dims.slice(3).reduce((size, dim) => size * data.axes[dim]!.length, 1);
      for (let from = 0; from < numbers.length; from += 2 * inner) {
        const ten = numbers.subarray(from, from + inner);
        expect(numbers.subarray(from + inner, from + 2 * inner)).toEqual(ten);
      }
    }
    expect(valueAt(data, "chance", [0, 0, 1])).toBe(10 / 144);
  });

  test("one image has no neighbours, and its verdicts are undecided", async () => {
    const { study } = await open({ count: 1 });
    const data = await study(manifold, { set: ["directions=3", "draws=2"] });
    for (let tap = 0; tap < 3; tap++) {
      expect(energyAt(data, 0, tap, 3, NEIGHBOURS)).toBeNaN();
      for (const which of ["smallest", "mean"]) expect(angleAt(data, 0, tap, 3, "neighbours", which)).toBeNaN();
    }
    const { tables, verdicts } = manifold.conclude(data, {});
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["undecided", "undecided", "undecided"]);
    expect(verdicts[1]!.because).toBe("No image has a neighbour that differs from it.");
    expect(
      flatTable(tables[0]!)
        .rows.find(([, , tangent]) => tangent === "neighbours")!
        .slice(3, 6),
    ).toEqual([NaN, NaN, NaN]);
  });

  test("what changes nothing has no tangent", async () => {
    const points = [0, 1].map(() => new Float32Array(144).fill(0.5));
    const { study } = await open({ points });
    const data = await study(manifold, { set: ["directions=3", "draws=1"] });
    for (const name of ["energy", "angle"]) expect([...new Set(data.values[name]!.data)]).toEqual([NaN]);
    const { verdicts } = manifold.conclude(data, {});
    for (const { verdict, because } of verdicts) {
      expect(verdict).toBe("undecided");
      expect(because).toMatch(/^No /);
    }
  });

  test("the growth along one layer is undecided", async () => {
    const { study } = await open({ taps: ["conv1"] });
    const { verdicts } = manifold.conclude(await study(manifold, { set: ["directions=3", "draws=1"] }), {});
    expect(verdicts[2]).toMatchObject({ verdict: "undecided", because: "There is only one tap." });
  });

  test("charts and tables speak of every tangent and space", async () => {
    const { study } = await open({ vectors: 4 });
    const data = await study(manifold, { quick: true });
    const { tables, charts, verdicts } = manifold.conclude(data, {});
    expect(tables.map(({ id, rows }) => [id, rows.length])).toEqual([
      ["energy", 3 * 7],
      ["angles", 3 * 3],
    ]);
    for (const { columns, rows } of tables) for (const row of rows) expect(row.length).toBe(columns.length);
    expect(charts.map(({ id }) => id)).toEqual(["energy", "angles"]);
    expect(charts[0]!.panels[0]!.rule!.y).toBe(4 / 144);
    expect(charts[1]!.panels.map(({ title }) => title)).toEqual(["smallest angle", "mean angle"]);
    for (const { because } of verdicts) expect(because).toMatch(/95 % interval .* n = 4/);
  });

  test.each([
    [{ vectors: 2 }, "The study needs the span of 3 singular vectors, but only 2 are stored."],
    [{ model: lowRankNet(), taps: ["y"] }, "needs pictures, but the source has the shape [8]."],
  ])("what it cannot measure is refused: $1", async (options, message) => {
    const { study } = await open(options);
    await expect(study(manifold, { set: ["directions=3"] })).rejects.toThrow(message);
  });
});
