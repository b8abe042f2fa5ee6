import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { encodeModel } from "../../src/onnx/proto.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

const weights = (name: string, rows: number, columns: number) =>
  floatTensor([rows, columns], gaussianArray(createRng(name), rows * columns));

/** x → first = x·a → second = relu → third = second·b → out = third ∘ third, with these names for the tensors and nodes. */
function network(
  [x, a, first, second, b, third, out]: readonly string[],
  nodeNames: readonly string[] = [],
): OnnxModel {
  return buildModel({
    inputs: [valueInfo(x!, "float32", [1, 4])],
    outputs: [valueInfo(out!, "float32", [1, 3])],
    nodes: [
      node({ op: "MatMul", inputs: [x!, a!], outputs: [first!], name: nodeNames[0] }),
      node({ op: "Relu", inputs: [first!], outputs: [second!], name: nodeNames[1] }),
      node({ op: "MatMul", inputs: [second!, b!], outputs: [third!], name: nodeNames[2] }),
      node({ op: "Mul", inputs: [third!, third!], outputs: [out!], name: nodeNames[3] }),
    ],
    initializers: new Map([
      [a!, weights("a", 4, 5)],
      [b!, weights("b", 5, 3)],
    ]),
  });
}

const plain = ["x", "a", "first", "second", "b", "third", "out"];
const inherited = [
  "constructor",
  "isPrototypeOf",
  "__proto__",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "toLocaleString",
];
const turned = [...inherited.slice(2), ...inherited.slice(0, 2)];
const nodeNames = ["__defineGetter__", "propertyIsEnumerable", "__lookupSetter__", "__proto__node"];

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "plain.onnx": writeModel(network(plain)),
    "inherited.onnx": writeModel(network(inherited, nodeNames)),
    "turned.onnx": writeModel(network(turned, turned)),
    "x.npy": randomNpy([4], 3),
    "__proto__.npy": randomNpy([4], 3),
    "classes.txt": "constructor\n__proto__\ntoString\n",
    "operator.onnx": writeModel({
      ...network(plain),
      graph: { ...network(plain).graph, nodes: [node({ op: "constructor", inputs: ["x"], outputs: ["out"] })] },
    }),
  });
});
afterAll(() => place.remove());

describe("tensors and nodes called like what every JavaScript object has", () => {
  test.each([["inherited"], ["turned"]])("give the Jacobian of the same network with plain names: %s", async (file) => {
    const names = file === "turned" ? turned : inherited;
    const at = gaussianArray(createRng("point"), 4);
    const [own, other] = [await openModel(place.path("plain.onnx")), await openModel(place.path(`${file}.onnx`))];
    try {
      expect(other.taps.map(({ tensor }) => tensor)).toEqual([0, 2, 3, 5, 6].map((i) => names[i]));
      for (const [from, to] of [
        [0, 6],
        [0, 3],
        [2, 5],
        [3, 6],
      ] as const) {
        const expected = await own.jacobian({ at, from: plain[from]!, to: plain[to]! });
        const found = await other.jacobian({ at, from: names[from]!, to: names[to]! });
        expect((await found.dense()).data).toEqual((await expected.dense()).data);
      }
      const values = await other.forward(at, other.taps);
      expect(values).toEqual(await own.forward(at, own.taps));
    } finally {
      await own.close();
      await other.close();
    }
  });

  test("are stored, printed and reported", async () => {
    const args = ["spectrum", "turned.onnx", "__proto__.npy", "--json", "--no-plan", "--labels", "classes.txt"];
    const first = await pushforward([...args, "--out", "out"], { cwd: place.folder });
    expect(first.code, first.stderr).toBe(0);
    const lines = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { tap: string; sigma: number[] });
    const expected = await pushforward(["spectrum", "plain.onnx", "x.npy", "--json", "--no-plan"], {
      cwd: place.folder,
    });
    expect(lines(first.stdout).map(({ sigma }) => sigma)).toEqual(lines(expected.stdout).map(({ sigma }) => sigma));
    const again = await pushforward([...args, "--out", "out"], { cwd: place.folder });
    expect(lines(again.stdout).map(({ tap, sigma }) => [tap, sigma])).toEqual(
      lines(first.stdout).map(({ tap, sigma }) => [tap, sigma]),
    );
    const report = await pushforward(["report", "out"], { cwd: place.folder });
    expect(report.code, report.stderr).toBe(0);
    const inspected = await pushforward(["inspect", "turned.onnx", "--json"], { cwd: place.folder });
    expect(inspected.code, inspected.stderr).toBe(0);
  });
});

describe("operators and attributes called so", () => {
  test("an operator is one that nobody knows", async () => {
    await expect(openModel(place.path("operator.onnx"))).rejects.toMatchObject({
      code: "backend-failed",
      what: "ONNX Runtime knows no operator constructor in opset 18.",
      where: { op: "constructor" },
    });
  });

  test("a function of the model and its attributes are taken for what they are", async () => {
    const end = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }, { dimValue: 2 }] } } };
    const bytes = encodeModel({
      irVersion: 10,
      opsetImport: [{ version: 18 }, { domain: "toString", version: 1 }],
      graph: {
        input: [{ name: "x", type: end }],
        output: [{ name: "y", type: end }],
        node: [
          {
            opType: "constructor",
            domain: "toString",
            input: ["x"],
            output: ["y"],
            attribute: [{ name: "__proto__", type: 1, f: 0.25 }],
          },
        ],
      },
      functions: [
        {
          name: "constructor",
          domain: "toString",
          input: ["valueOf"],
          output: ["__proto__"],
          attribute: ["__proto__"],
          opsetImport: [{ version: 18 }],
          node: [
            {
              opType: "LeakyRelu",
              input: ["valueOf"],
              output: ["__proto__"],
              attribute: [{ name: "alpha", refAttrName: "__proto__", type: 1 }],
            },
          ],
        },
      ],
    });
    await place.put("function.onnx", bytes);
    const opened = await openModel(place.path("function.onnx"));
    try {
      const J = await opened.jacobian({ at: Float32Array.of(-1, 1) });
      expect([...(await J.dense()).data]).toEqual([0.25, 0, 0, 1]);
    } finally {
      await opened.close();
    }
  });
});
