import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { classOf, type Labels, parseLabels } from "../../src/images/index.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";

const none: Labels = { classes: [], byFile: new Map() };

describe("parseLabels", () => {
  test.each([
    { text: "cat\ngreat white shark\n", classes: [{ name: "cat" }, { name: "great white shark" }] },
    { text: "tench, Tinca tinca\r\n\r\ncat\r\n", classes: [{ name: "tench, Tinca tinca" }, { name: "cat" }] },
    { text: "n01440764\ttench", classes: [{ synset: "n01440764", name: "tench" }] },
    { text: "n01440764 tench, Tinca", classes: [{ synset: "n01440764", name: "tench, Tinca" }] },
    { text: "n01440764\nn01443537", classes: ["n01440764", "n01443537"].map((name) => ({ synset: name, name })) },
  ])("a list of classes: $text", ({ text, classes }) => {
    expect(parseLabels(text, "l.txt")).toEqual({ classes, byFile: new Map() });
  });

  test.each([
    { text: "a.png\tcat\nb.png\tdog" },
    { text: "file,class\na.png,cat\nb.png,dog" },
    { text: '\uFEFF"a.png","cat"\n"b.png","dog"\n' },
  ])("a table of files: $text", ({ text }) => {
    const byFile = new Map([["a.png", "cat"], ["b.png", "dog"]]); // biome-ignore format: two pairs
    expect(parseLabels(text, "l.tsv")).toEqual({ classes: [], byFile });
  });

  test.each([
    { text: "\n \n", what: "Line 1 is the end of the file: there is no label." },
    { text: "a.png\tcat\n\nb.png", what: "Line 3 is not a file and its class." },
    { text: "a.png\tcat\na.png\tdog", what: 'Line 2 names "a.png" a second time.' },
    { text: "n01440764\ttench\ngoldfish", what: "Line 2 does not begin with a synset as the first does." },
    { text: "cat\ndog\t3", what: "Line 2 has two columns in a list of names." },
  ])("refuses $text", ({ text, what }) => {
    const refusal = { code: "usage", what, where: { file: "l.tsv", option: "--labels" } };
    expect(() => parseLabels(text, "l.tsv")).toThrow(expect.objectContaining(refusal));
  });
});

describe("classOf", () => {
  const classes = [{ synset: "n02389026", name: "sorrel horse" }, { name: "cat" }, { name: "7" }];
  const byFile = new Map([
    ["a.png", "dog"],
    ["x/a.png", "n02389026"],
    ["x/b.png", "1"],
    ["x/c.png", "7"],
  ]);

  test.each([
    { path: "data/n02389026_sorrel.JPEG", labels: none, label: "sorrel" },
    { path: "data/n02389026_sorrel.JPEG", labels: { ...none, classes }, label: "sorrel horse" },
    { path: "n02389026/1.JPEG", labels: { ...none, classes }, label: "sorrel horse" },
    { path: "n02389026.jpg", labels: none, label: "n02389026" },
    { path: "cifar10/cat/0001.jpg", labels: { ...none, classes }, label: "cat" },
    { path: "cifar10\\cat\\0001.jpg", labels: { ...none, classes }, label: "cat" },
    { path: "cifar10/cat/0001.jpg", labels: none, label: undefined },
    { path: "photos/a.jpg", labels: { ...none, classes }, label: undefined },
    { path: "y/a.png", labels: { classes, byFile }, label: "dog" },
    { path: "y/x/a.png", labels: { classes, byFile }, label: "sorrel horse" },
    { path: "x/b.png", labels: { classes, byFile }, label: "cat" },
    { path: "x/c.png", labels: { classes, byFile }, label: "7" },
    { path: "x/b.png", labels: { ...none, byFile }, label: "1" },
  ])("$path is $label", ({ path, labels, label }) => {
    expect(classOf(path, labels)).toBe(label);
  });

  test.skipIf(sharedDir === undefined)(`ImageNet's list (skipped: ${withoutShared})`, async () => {
    const labels = parseLabels(await readFile(sharedPath("data", "imagenet_classes.tsv"), "utf8"), "classes");
    expect(labels.classes).toHaveLength(1000);
    expect(labels.classes[339]).toEqual({ synset: "n02389026", name: "sorrel" });
    expect(classOf("n01491361_tiger_shark.JPEG", labels)).toBe("tiger_shark");
  });
});
