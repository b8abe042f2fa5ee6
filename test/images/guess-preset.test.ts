import { expect, test } from "vitest";
import { folderClasses, guessPreset } from "../../src/images/index.ts";

test.each([
  [[3, 224, 224], "imagenet", false],
  [[3, 32, 32], "cifar10", true],
  [[1, 28, 28], "levels/255", true],
  [[3, 64, 48], "levels/255", true],
] as const)("an input of %j: %s", (shape, name, isUnsure) => {
  const guess = guessPreset(shape);
  expect(guess).toMatchObject({ isUnsure, preset: { name } });
  expect(guess.preset.colour).toBe(shape[0] === 1 ? "gray" : "RGB");
  expect(guess.reason).toMatch(/^\w.*\.$/);
});

test("what pictures cannot become is not guessed", () => {
  expect(() => guessPreset([4, 8, 8])).toThrow(/4 channels/);
});

test("sub-folders are classes if there are several, without those that divide a data set", () => {
  expect(folderClasses([["train", "cat"], ["test", "dog"], []])).toEqual({
    labels: ["cat", "dog", undefined],
    note: "the 2 sub-folders (cat, dog) are taken as the classes of the inputs",
  });
  expect(folderClasses([["cat"], ["cat"]])).toBeUndefined();
});
