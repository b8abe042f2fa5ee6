import { expect, test } from "vitest";
import { parseTextFormat } from "../../src/caffe/text-format.ts";

test("fields, messages, lists and comments", () => {
  const message = parseTextFormat(`
    # a comment with "quotes" and { braces }
    name: "net"   # behind a value
    layer { type: 'Convolution', pad: 1; pad: -2 }
    layer: < type: "ReLU" >
    sizes: [1, 2.5e-1, 3f] flags: true
    [package.extension]: 7`);
  expect(message.text("name")).toBe("net");
  expect(message.messages("layer").map((layer) => layer.text("type"))).toEqual(["Convolution", "ReLU"]);
  expect(message.messages("layer")[0]!.numbers("pad")).toEqual([1, -2]);
  expect(message.numbers("sizes")).toEqual([1, 0.25, 3]);
  expect(message.boolean("flags", false)).toBe(true);
  expect(message.number("package.extension", 0)).toBe(7);
});

test("numbers as they are written", () => {
  const message = parseTextFormat("a: 0x10 a: 010 a: 1. a: .5 a: -inf a: 1e3 a: - 4");
  expect(message.numbers("a")).toEqual([16, 8, 1, 0.5, -Infinity, 1000, -4]);
});

test("texts: escapes, both quotes, and parts that are joined", () => {
  const message = parseTextFormat(String.raw`a: "one " 'two' a: "tab\tquote\" \303\244 \xe2\x82\xac" a: "é"`);
  expect(message.texts("a")).toEqual(["one two", 'tab\tquote" ä €', "é"]);
});

test("what nothing has read is known", () => {
  const message = parseTextFormat("kernel_size: 3 strange: 4");
  expect(message.number("kernel_size", 0)).toBe(3);
  expect(message.unread).toEqual(["strange"]);
});

test.each([
  ["a value that is missing", 'name: "a"\nlayer {\n  type:\n}', /Line 4 .*a value is expected, not "}"/],
  ["a message that is not closed", "layer {\n name: 'x'\n", /Line 2 .*a "}" is missing at the end/],
  ["a list that is not closed", "a: [1, 2", /a "]" is missing at the end/],
  ["a text that is not closed", 'a: 1\nb: "x\n', /Line 2 .*is not understood/],
  ["a brace too many", "a: 1 }", /the name of a setting is expected, not "}"/],
  ["another format", "<html>", /Line 1/],
])("%s is told with its line", (_name, text, wanted) => {
  expect(() => parseTextFormat(text)).toThrow(wanted);
});

test("a value of the wrong kind is told with its setting", () => {
  const message = parseTextFormat("pool: MEDIAN pad: x bias_term: maybe layer: 3");
  expect(() => message.choice("pool", ["MAX", "AVE"], "MAX")).toThrow(
    /pool should be one of MAX, AVE, and is "MEDIAN"/,
  );
  expect(() => message.numbers("pad")).toThrow(/pad should be a number, and is "x"/);
  expect(() => message.boolean("bias_term", true)).toThrow(/bias_term should be true or false/);
  expect(() => message.messages("layer")).toThrow(/layer should be a message/);
});

test("a choice may be given by its number", () => {
  expect(parseTextFormat("operation: 4").choice("operation", ["SUM", "ASUM", "SUMSQ", "MEAN"], "SUM", 1)).toBe("MEAN");
});
