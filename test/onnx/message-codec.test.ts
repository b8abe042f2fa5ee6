import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import protobuf from "protobufjs/light.js";
import { expect, test } from "vitest";
import { messageCodec } from "../../src/onnx/message-codec.ts";
import { root } from "../docs/markdown.ts";

const messages = {
  Outer: {
    whole: ["int64", 1],
    text: ["string", 2],
    real: ["float", 3],
    inner: ["Inner", 20],
    inners: ["Inner*", 7],
    names: ["string*", 4],
    loose: ["int64*", 8],
    tight: ["float**", 9],
    doubles: ["double**", 10],
    large: ["uint64**", 11],
    raw: ["bytes", 12],
    small: ["int32", 5],
  },
  Inner: { text: ["string", 1], smalls: ["int32**", 2], outer: ["Outer", 3] },
} as const;

/** The same messages in protobufjs, which generates code for them. */
const theirs = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(messages).map(([name, fields]) => [
      name,
      {
        edition: "proto2",
        fields: Object.fromEntries(
          Object.entries<readonly [string, number]>(fields).map(([field, [type, id]]) => {
            const options = { packed: type.endsWith("**") };
            const repeated = type.endsWith("*") ? { rule: "repeated", options } : {};
            return [field, { type: type.replaceAll("*", ""), id, ...repeated }];
          }),
        ),
      },
    ]),
  ),
}).lookupType("Outer");
const codec = messageCodec(messages);

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const { outer } = fc.letrec((tie) => ({
  outer: fc.record({
    whole: maybe(fc.maxSafeInteger()),
    text: maybe(fc.string({ unit: "grapheme" })),
    real: maybe(fc.float({ noNaN: true })),
    inner: maybe(tie("inner")),
    inners: maybe(fc.array(tie("inner"), { maxLength: 2 })),
    names: maybe(fc.array(fc.string())),
    loose: maybe(fc.array(fc.maxSafeInteger())),
    tight: maybe(fc.array(fc.float({ noNaN: true }))),
    doubles: maybe(fc.array(fc.double({ noNaN: true }))),
    large: maybe(fc.array(fc.maxSafeNat())),
    raw: maybe(fc.uint8Array()),
    small: maybe(fc.integer()),
  }),
  inner: fc.record({
    text: maybe(fc.string()),
    smalls: maybe(fc.array(fc.integer())),
    outer: fc.option(tie("outer"), { nil: undefined, maxDepth: 3, depthSize: "small" }),
  }),
}));

/** What a message says: a field without elements says nothing, and numbers of 64 bits are texts. */
function said(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array);
  if (Array.isArray(value)) return value.map(said);
  if (typeof value !== "object" || value === null) return value;
  if ("low" in value) return String(value);
  const fields = Object.entries(value).filter(([, entry]) => !(Array.isArray(entry) && entry.length === 0));
  return Object.fromEntries(fields.map(([key, entry]) => [key, said(entry)]));
}

/** What a decoder says of bytes, or the class of its refusal. */
function decoded(decode: () => object): unknown {
  try {
    return said(decode());
  } catch (cause) {
    return (cause as Error).constructor.name;
  }
}

test("writes the bytes that protobufjs writes, and reads the same of them", () => {
  fc.assert(
    fc.property(outer, (message) => {
      const bytes = Uint8Array.from(codec.encode("Outer", message as object));
      expect(bytes).toEqual(Uint8Array.from(theirs.encode(message as object).finish()));
      expect(said(codec.decode("Outer", bytes))).toEqual(said(theirs.decode(bytes)));
    }),
  );
});

test("reads damaged bytes as protobufjs does, or refuses them as it does", () => {
  fc.assert(
    fc.property(outer, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (message, at, by, isCut) => {
      const bytes = Uint8Array.from(codec.encode("Outer", message as object));
      if (bytes.length === 0) return;
      const place = at % bytes.length;
      const damaged = isCut ? bytes.slice(0, place) : bytes.with(place, bytes[place]! ^ by);
      expect(decoded(() => codec.decode("Outer", damaged))).toEqual(decoded(() => theirs.decode(damaged)));
    }),
    { numRuns: 300 },
  );
});

test("reads parts of a message that come apart, and packed fields that are not packed", () => {
  const parts = [{ inner: { text: "a", smalls: [1] } }, { inner: { smalls: [2, 3] } }];
  const bytes = Uint8Array.from(parts.flatMap((part) => [...codec.encode("Outer", part)]));
  expect(codec.decode("Outer", bytes)).toEqual({ inner: { text: "a", smalls: [1, 2, 3] } });
  const unpacked = protobuf.Writer.create()
    .uint32((9 << 3) | 5)
    .float(1.5)
    .uint32((9 << 3) | 5)
    .float(2);
  expect(codec.decode("Outer", unpacked.finish())).toEqual({ tight: [1.5, 2] });
});

test("refuses messages that lie too deep", () => {
  let message: object = {};
  for (let i = 0; i < 60; i++) message = { inner: { outer: message } };
  const bytes = theirs.encode({}).finish();
  expect(codec.decode("Outer", bytes)).toEqual({});
  expect(() => codec.encode("Outer", message)).toThrow("max depth exceeded");
});

test("a model is read and written where code may not be generated from texts, as in a page with a content security policy", async () => {
  const program = `
    import { readModel, writeModel } from "${root}/src/onnx/index.ts";
    import { readFileSync } from "node:fs";
    let isForbidden = false;
    try { new Function("return 1"); } catch { isForbidden = true; }
    const model = await readModel(new Uint8Array(readFileSync("${root}/examples/digits/digits.onnx")));
    console.log(isForbidden, model.graph.nodes.length > 3, writeModel(model).length > 1000);`;
  const flags = ["--disallow-code-generation-from-strings", "--import", "tsx", "--input-type=module"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "-e", program], { cwd: root });
  expect(stdout).toBe("true true true\n");
});
