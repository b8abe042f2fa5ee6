import { expect, test } from "vitest";
import { firstLookLines } from "../../src/apps/cli/first-look.ts";
import { withPredictions } from "../../src/apps/inputs/predictions.ts";

const names = Array.from({ length: 20 }, (_, i) => `class${i}`);
const chance = /nearly the same for all classes/;

/** What is told of inputs of which the network is sure (logit 10), each of a class, with its label. */
function told(inputs: readonly { readonly at: number; readonly label?: string }[], sure = 10): string[] {
  const scores = inputs.map(({ at }) => Float32Array.from(names, (_, place) => (place === at ? sure : 0)));
  const records = inputs.map(({ label }, i) => ({
    name: `i${i}`,
    file: `i${i}.png`,
    sha256: "",
    ...(label === undefined ? {} : { label }),
  }));
  const predictions = { scores, names };
  return firstLookLines({
    inputs: {
      records: withPredictions(records, predictions),
      points: inputs.map(() => Float32Array.of(0)),
      failures: [],
    },
    predictions,
    shape: [1],
    colour: undefined,
  });
}

const each = (count: number, of: (i: number) => { at: number; label?: string }) =>
  Array.from({ length: count }, (_, i) => of(i));

test("the range that reaches the network, and the means of its channels", () => {
  const points = [Float32Array.of(-2, 0, 1, 3, 5, 7), undefined, Float32Array.of(0, 0, 1, 1, 255, 7)];
  const records = points.map((_, i) => ({ name: `i${i}`, file: "", sha256: "" }));
  const look = { inputs: { records, points, failures: [] }, predictions: undefined, shape: [3, 1, 2] };
  expect(firstLookLines({ ...look, colour: "BGR" })).toEqual([
    "note: the input of the network is 3×1×2, with values from −2 to 255, means of the channels B, G, R −0.5, 1.5, 68.5",
    "note: the network gives no class scores, so only this range of values can show whether the preprocessing is right",
  ]);
  expect(firstLookLines({ ...look, shape: [6], colour: undefined })[0]).toBe(
    "note: the input of the network is 6, with values from −2 to 255, mean 23.2",
  );
});

test("the first classes of few inputs, by softmax or as they are", () => {
  const third = Math.log(3);
  const scores = [Float32Array.of(0, third, 0), Float32Array.of(0.25, 0.75, 0), undefined];
  const records = ["a", "b", "c"].map((name) => ({ name, file: "", sha256: "", label: "bee" }));
  const predictions = { scores, names: ["ant", "bee", "cat"] };
  const inputs = { records: withPredictions(records, predictions), points: [Float32Array.of(0)], failures: [] };
  expect(firstLookLines({ inputs, predictions, shape: [1], colour: undefined }).slice(1)).toEqual([
    "note: a: bee (60 %), ant (20 %), cat (20 %); its label is bee",
    "note: b: bee (75 %), ant (25 %), cat (0 %); its label is bee",
  ]);
});

test("how many labels many inputs agree with", () => {
  const lines = told(each(8, (i) => ({ at: i, label: `class${i === 7 ? 9 : i}` })));
  expect(lines.slice(1)).toEqual([
    "note: the network predicts the class of the label for 7 of 8 inputs (88 %); for 7, the label is among the five classes with the highest scores",
  ]);
});

test("how many classes many inputs are given, where labels are not known", () => {
  expect(told(each(8, (i) => ({ at: i % 3, label: "cat" }))).slice(1)).toEqual([
    "note: the network predicts 3 different classes for 8 inputs, most often class0 (3 times)",
  ]);
});

test("a warning where most labels are others", () => {
  const wrong = told(each(3, (i) => ({ at: i, label: i === 0 ? "class0" : "class9" })));
  expect(wrong.at(-1)).toMatch(/^warning: the network predicts another class than the label for 2 of 3 inputs\./);
  for (const fine of [
    each(4, (i) => ({ at: i, label: i < 2 ? `class${i}` : "class9" })),
    each(2, (i) => ({ at: i, label: "class9" })),
    each(3, (i) => ({ at: i, label: "a name that the network has not" })),
  ]) {
    expect(told(fine).join("\n")).not.toContain("warning");
  }
});

test("a warning where the network cannot tell the classes apart", () => {
  expect(
    told(
      each(2, (i) => ({ at: i })),
      0.5,
    ).at(-1),
  ).toMatch(chance);
  // Evenness of 20 classes at logit 3: 0.82; at logit 4: 0.58.
  expect(
    told(
      each(2, (i) => ({ at: i })),
      4,
    ).join("\n"),
  ).not.toMatch(chance);
});

test("a warning where all of many inputs are given one class", () => {
  const warning =
    "warning: the network predicts the class class3 for all 5 inputs. If their true classes differ, the preprocessing may be wrong.";
  expect(told(each(5, () => ({ at: 3 }))).at(-1)).toBe(warning);
  expect(told(each(5, (i) => ({ at: 3, label: i < 3 ? "class3" : "class4" }))).at(-1)).toBe(warning);
  for (const fine of [each(5, () => ({ at: 3, label: "class3" })), each(4, () => ({ at: 3 }))]) {
    expect(told(fine).join("\n")).not.toContain("warning");
  }
});

test("no verdict where a label is no name of an output", () => {
  const scores = [Float32Array.of(0, 1, 0), Float32Array.of(1, 0, 0)];
  const records = ["1", "cat"].map((label) => ({ name: label, file: "", sha256: "", label }));
  expect(withPredictions(records, { scores, names: ["0", "1", "2"] })).toEqual([
    { ...records[0], predicted: "1", isRight: true },
    { ...records[1], predicted: "0" },
  ]);
  expect(withPredictions(records, { scores, names: ["cat", "dog", "fox"] })).toEqual([
    { ...records[0], predicted: "dog" },
    { ...records[1], predicted: "cat", isRight: true },
  ]);
});
