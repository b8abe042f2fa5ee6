import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { classOf, decodeText, type Labels, parseLabels, rowOf } from "../../src/images/index.ts";
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
    { text: '"a.png","cat"\n"b.png","dog"\n' },
    { text: "a.png;cat\rb.png;dog\r" },
    { text: '"a.png"\t"cat"\r\n"b.png"\tdog' },
    { text: "./a.png\tcat\r\r\nb.png\tdog" },
    { text: "file,class,split\na.png,cat,train\nb.png,dog\n" },
    { text: "Label,Image_Name\ncat,a.png\ndog,b.png\n" },
    { text: "a.png\tcat\ttrain\nb.png\tdog\tval\nb.png\tdog\tval" },
    { text: "id,filename,species\n7,a.png,cat\n8,b.png,dog\n" },
    { text: "name,class\na.png,cat\nb.png,dog\n" },
    { text: ",filename,what\n0,a.png,cat\n1,b.png,dog\n" },
    { text: "foo,bar\na.png,cat\nb.png,dog\n" },
  ])("a table of files: $text", ({ text }) => {
    const byFile = new Map([["a.png", "cat"], ["b.png", "dog"]]); // biome-ignore format: two pairs
    expect(parseLabels(text, "l.tsv")).toEqual({ classes: [], byFile });
  });

  test("a table with quotes, as spreadsheets write it", () => {
    const text = 'id,species\n"two, parts.png","cat, tabby"\n"a ""b"".png",dog\nx\\c.png,"line\r\nfeed"\n';
    expect([...parseLabels(text, "l.csv").byFile]).toEqual([
      ["two, parts.png", "cat, tabby"],
      ['a "b".png', "dog"],
      ["x/c.png", "line\r\nfeed"],
    ]);
  });

  test("a table whose first name holds a comma, separated by tabs", () => {
    const { byFile } = parseLabels("two, parts.png\tbee\nplain.png\tcat\n", "l.tsv");
    expect([...byFile]).toEqual([["two, parts.png", "bee"], ["plain.png", "cat"]]); // biome-ignore format: two pairs
  });

  test("a list with names in quotes", () => {
    expect(parseLabels('"tench, Tinca"\n"cat"\n', "l.txt").classes).toEqual([
      { name: "tench, Tinca" },
      { name: "cat" },
    ]);
  });

  test("names in JSON, as a list or with their outputs, are taken as they are", () => {
    const names = [" the", "", "\n", "a.png", ","];
    const classes = names.map((name) => ({ name }));
    expect(parseLabels(JSON.stringify(names), "l.json").classes).toEqual(classes);
    const outputs = Object.fromEntries(names.map((name, output) => [name, output]).reverse());
    expect(parseLabels(JSON.stringify(outputs), "l.json").classes).toEqual(classes);
    expect(parseLabels("[PAD]\n[UNK]\n", "l.txt").classes).toEqual([{ name: "[PAD]" }, { name: "[UNK]" }]);
  });

  test("names composed and decomposed are the same", () => {
    const labels = parseLabels("cafe\u0301.png\tcrème", "l.tsv");
    expect(classOf("pics/caf\u00e9.png", labels)).toBe("crème");
    expect(classOf("pics/cafe\u0301.png", labels)).toBe("crème");
  });

  test.each([
    { text: "\n \n", what: "This file is empty." },
    ...['["cat", 2]', "[]", '{"cat": 0, "dog": 2}', '{"model": {"cat": 0}}'].map((text) => ({
      text,
      what: "This file is JSON, but neither a list of names nor the numbers of the outputs by name.",
    })),
    { text: "PK\x03\x04\0\0", what: "This file is not text in UTF-8 or UTF-16." },
    { text: "# labels\na.png,cat\n", what: "Line 1 is not a file and its class." },
    {
      text: "file,cat,dog\na.png,1,0\n",
      what: 'Line 1 does not say which column holds the class: call it "class".',
    },
    { text: "a.png\tcat\n\nb.png", what: "Line 3 is not a file and its class." },
    { text: "a.png\tcat\na.png\tdog", what: 'Line 2 names "a.png" a second time, with another class.' },
    { text: "a.png,cat\nb.png,tench, Tinca", what: "Line 2 has 3 columns, and the first has 2." },
    { text: 'a.png,"cat\n tabby"\n\nb.png', what: "Line 4 is not a file and its class." },
    { text: "file\tclass\na.png\tcat\tx", what: "Line 2 has 3 columns, and the first has 2." },
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
    { path: "b.png", labels: { ...none, byFile: new Map([["b.png", "1.0"]]) }, label: "1" },
    { path: "b.png", labels: { ...none, byFile: new Map([["b.png", "001"]]) }, label: "1" },
    { path: "b.png", labels: { ...none, byFile: new Map([["b.png", "1.5"]]) }, label: "1.5" },
    { path: "b.png", labels: { classes, byFile: new Map([["b.png", "1.0"]]) }, label: "cat" },
  ])("$path is $label", ({ path, labels, label }) => {
    expect(classOf(path, labels)).toBe(label);
  });

  test.each([
    { path: "y/a.png", row: "a.png" },
    { path: "y/x/a.png", row: "x/a.png" },
    { path: "y/a.jpg", row: undefined },
    { path: "y/0001.jpg", row: "0001" },
    { path: "y/more.0001.jpg", row: undefined },
  ])("the row of $path is $row", ({ path, row }) => {
    expect(rowOf(path, { classes: [], byFile: new Map([...byFile, ["0001", "dog"]]) })).toBe(row);
  });

  test.skipIf(sharedDir === undefined)(`ImageNet's list (skipped: ${withoutShared})`, async () => {
    const labels = parseLabels(await readFile(sharedPath("data", "imagenet_classes.tsv"), "utf8"), "classes");
    expect(labels.classes).toHaveLength(1000);
    expect(labels.classes[339]).toEqual({ synset: "n02389026", name: "sorrel" });
    expect(classOf("n01491361_tiger_shark.JPEG", labels)).toBe("tiger_shark");
  });
});

describe("decodeText", () => {
  const text = "café.png\tant\r\n";
  const utf16 = (isLittle: boolean) =>
    Array.from(text, (letter) => letter.charCodeAt(0)).flatMap((unit) =>
      isLittle ? [unit & 255, unit >> 8] : [unit >> 8, unit & 255],
    );
  const utf8 = [...new TextEncoder().encode(text)];

  test.each([
    { name: "UTF-8", bytes: utf8 },
    { name: "UTF-8 with a mark", bytes: [0xef, 0xbb, 0xbf, ...utf8] },
    { name: "UTF-16, low byte first", bytes: [0xff, 0xfe, ...utf16(true)] },
    { name: "UTF-16, high byte first", bytes: [0xfe, 0xff, ...utf16(false)] },
    { name: "UTF-16 without a mark, low byte first", bytes: utf16(true) },
    { name: "UTF-16 without a mark, high byte first", bytes: utf16(false) },
  ])("$name", ({ bytes }) => {
    expect(decodeText(Uint8Array.from(bytes))).toEqual({ text, isUnicode: true });
  });

  test("the letters that Windows adds to Latin-1", () => {
    // 0x80, 0x93, 0x94, 0x9f and 0xe9 in Python: bytes.decode("cp1252").
    const bytes = Uint8Array.of(0x80, 0x93, 0x94, 0x9f, 0xe9);
    expect(decodeText(bytes)).toEqual({ text: "\u20ac\u201c\u201d\u0178\u00e9", isUnicode: false });
  });

  test("Latin-1 is read, and said to be no Unicode", () => {
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    expect(decodeText(bytes)).toEqual({ text, isUnicode: false });
  });

  test("nothing", () => {
    expect(decodeText(new Uint8Array(0))).toEqual({ text: "", isUnicode: true });
  });
});
