import { afterAll, expect, test } from "vitest";
import { digitPictures, pictureTask } from "../../src/experiments/digit-pictures.ts";
import { machineLayers, onComponents } from "../../src/experiments/machines.ts";
import { createBackend } from "../../src/platform/node/backend.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const WIDTH = 12;
const { pixels, labels, size } = digitPictures();
const count = labels.length;
const task = pictureTask(WIDTH);
const mean = (of: (picture: number) => number) => labels.reduce((sum, _, picture) => sum + of(picture), 0) / count;

/** [pictures][components] */
const scores = Array.from({ length: count }, (_, picture) =>
  task.directions.map((direction) => direction.reduce((sum, entry, i) => sum + entry * pixels[picture * size + i]!, 0)),
);
const covariance = (a: (picture: number) => number, b: (picture: number) => number) =>
  mean((picture) => a(picture) * b(picture)) - mean(a) * mean(b);

test("the pictures are 100 of each digit or nearly so, black and white", () => {
  expect([count, size, pixels.length]).toEqual([1000, 196, 196_000]);
  for (let digit = 0; digit < 10; digit++) {
    const own = labels.filter((label) => label === digit).length;
    expect(own).toBeGreaterThan(80);
    expect(own).toBeLessThan(120);
  }
  expect(new Set(pixels)).toEqual(new Set([0, 1]));
});

test("the task has the moments of the pictures along their principal components", () => {
  const score = (component: number) => (picture: number) => scores[picture]![component]!;
  const first = covariance(score(0), score(0));
  for (let i = 0; i < WIDTH; i++) {
    expect(covariance(score(i), score(i)) / first).toBeCloseTo(task.variances[i]!, 10);
    if (i > 0) expect(covariance(score(0), score(i)) / first).toBeCloseTo(0, 10);
  }
  // Targets times √variance are the correlations of the classes, up to one factor.
  const ratios = [0, 3, 9].flatMap((label) =>
    [0, 1, 5].map((component) => {
      const isOf = (picture: number) => Number(labels[picture] === label);
      const own = task.targets[component * 10 + label]! * Math.sqrt(task.variances[component]!);
      return covariance(isOf, score(component)) / own;
    }),
  );
  for (const ratio of ratios) expect(ratio / ratios[0]!).toBeCloseTo(1, 4);
});

test("a stack becomes layers that take components, and each gives as much variance as it takes", async () => {
  const stack = await machineLayers(backend, { layers: 3, width: WIDTH, training: 60, seed: 1, onLayer: () => {} });
  expect(stack.map((weight) => weight.length)).toEqual([WIDTH * size, WIDTH ** 2, WIDTH ** 2]);
  const layers = onComponents(stack, task);
  const total = task.variances.reduce((sum, variance) => sum + variance, 0);
  // The first layer at a component is the machine's field along it, up to one factor.
  const fields = task.directions.map((direction) =>
    direction.reduce((sum, entry, i) => sum + entry * stack[0]![i]!, 0),
  );
  const factor = layers[0]![0]! / fields[0]!;
  for (const [i, field] of fields.entries()) expect(layers[0]![i]! / factor).toBeCloseTo(field, 4);

  let examples = Array.from({ length: WIDTH }, (_, i) =>
    Array.from({ length: WIDTH }, (_, j) => (i === j ? Math.sqrt(task.variances[i]!) : 0)),
  );
  for (const layer of layers) {
    examples = examples.map((row) =>
      row.map((_, unit) => row.reduce((sum, entry, i) => sum + layer[unit * WIDTH + i]! * entry, 0)),
    );
    expect(examples.flat().reduce((sum, entry) => sum + entry ** 2, 0) / total).toBeCloseTo(1, 4);
  }
});
