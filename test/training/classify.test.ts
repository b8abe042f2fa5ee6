import { expect, test } from "vitest";
import { accuracy, wilsonInterval } from "../../src/training/index.ts";

test.each([
  [0, 10],
  [984, 1000],
  [10, 10],
])("Wilson's interval of %i in %i ends where the share found is 1.96 deviations off", (hits, count) => {
  const share = hits / count;
  const ends = wilsonInterval(share, count);
  // Squares: rounding of an end at 0 or 1 would show in the root.
  for (const end of ends) {
    expect((share - end) ** 2).toBeCloseTo((1.959964 ** 2 * end * (1 - end)) / count, 12);
  }
  expect(ends[1] - ends[0]).toBeGreaterThan(0.01);
});

test("accuracy is a share", () => {
  const targets = { kind: "labels", labels: Int32Array.from([1, 2, 3, 3]) } as const;
  const data = { shape: [1], inputs: new Float32Array(4), targets };
  expect(accuracy(Uint8Array.from([1, 2, 0, 3]), data)).toBe(0.75);
});
