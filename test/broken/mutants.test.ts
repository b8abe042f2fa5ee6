import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { jsonOf, PushforwardError } from "../../src/base/index.ts";
import { importCaffe } from "../../src/caffe/index.ts";
import { parseTextFormat } from "../../src/caffe/text-format.ts";
import { parsePreset, preprocess, presetNamed, readExactNpy, writeNpy } from "../../src/images/index.ts";
import { checkModel, type Evaluate, normalize, readModel } from "../../src/onnx/index.ts";
import { encodeModel, type FunctionMessage, type GraphMessage, type NodeMessage } from "../../src/onnx/proto.ts";
import { imageDecoder } from "../../src/platform/node/image-decoder.ts";
import { parseSpace } from "../../src/search/index.ts";
import { parseRecipe } from "../../src/training/index.ts";
import { caffemodel } from "../support/caffemodel.ts";

/** The code and the first line that a user would see. Anything but a `PushforwardError` fails the test. */
async function complaint(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof PushforwardError) return `${error.code}: ${error.what}`;
    throw error;
  }
  return "no complaint";
}

const noRuntime: Evaluate = () =>
  Promise.reject(new PushforwardError("backend-failed", { what: "Nothing runs here.", fix: "None." }));

const x = { name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } };
const fileOf = (graph: GraphMessage, functions: readonly FunctionMessage[] = []): Uint8Array =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ version: 18 }, { domain: "own", version: 1 }, { domain: "com.microsoft", version: 1 }],
    graph: { name: "g", input: [x], output: [{ name: "y" }], ...graph },
    functions: [...functions],
  });
const opened = async (bytes: Uint8Array) => {
  const onnx = checkModel(await readModel(bytes, { file: "net.onnx" }), "net.onnx");
  return normalize(onnx, { file: "net.onnx", evaluate: noRuntime });
};
const call = (opType: string, input: string, output: string): NodeMessage => ({
  ...{ opType, domain: "own", input: [input], output: [output] },
});
const relu = (input: string, output: string): NodeMessage => ({ opType: "Relu", input: [input], output: [output] });

/** Functions `f0`, `f1`, …, each of which calls the next several times. */
const chain = (count: number, times: number): FunctionMessage[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ name: `f${i}`, domain: "own", input: ["t0"], output: [`t${times}`], opsetImport: [{ version: 18 }] },
    node: Array.from({ length: times }, (_, k) => {
      const ends = [`t${k}`, `t${k + 1}`] as const;
      return i === count - 1 ? relu(...ends) : call(`f${i + 1}`, ...ends);
    }),
  }));

describe("models that a fuzzer made", () => {
  test("an If without a condition, without a branch, and with a branch that gives too little", async () => {
    const g = { name: "b", node: [relu("x", "b")], output: [{ name: "b" }] };
    const branches = ["then_branch", "else_branch"].map((name) => ({ name, type: 5, g }));
    const choice = (input: string[], attribute: NodeMessage["attribute"], output = ["y"]) =>
      complaint(() => opened(fileOf({ node: [{ opType: "If", name: "if", input, output, attribute }] })));
    expect(await choice([], branches)).toMatch(/^model-invalid: The If has no condition/);
    expect(await choice(["x"], branches.slice(0, 1))).toMatch(/^model-invalid: The If has no graph "else_branch"/);
    expect(await choice(["x"], branches, ["y", "z"])).toMatch(/^model-invalid: The If has more outputs than its graph/);
  });

  test("a Loop and a Scan whose bodies do not fit", async () => {
    const body = { name: "b", input: [{ name: "i" }], node: [relu("x", "b")], output: [{ name: "b" }] };
    const flow = (opType: string) => ({ opType, input: ["", "", "x"], output: ["y"] });
    const of = (opType: string) =>
      complaint(() => opened(fileOf({ node: [{ ...flow(opType), attribute: [{ name: "body", type: 5, g: body }] }] })));
    expect(await of("Loop")).toMatch(/^model-invalid: The Loop has 3 inputs, and its body 1/);
    expect(await of("Scan")).toMatch(/^model-invalid: The Scan slices 0 inputs/);
    expect(await complaint(() => opened(fileOf({ node: [flow("Loop")] })))).toMatch(/The Loop has no graph "body"/);
  });

  test("an input that does not fit into memory", async () => {
    const large = {
      name: "x",
      type: { tensorType: { elemType: 1, shape: { dim: [2 ** 31, 2 ** 31].map((dimValue) => ({ dimValue })) } } },
    };
    expect(await complaint(() => opened(fileOf({ input: [large], node: [relu("x", "y")] })))).toMatch(
      /^shape-mismatch: Input "x" has shape 2147483648×2147483648, which is more than/,
    );
  });

  test("a composite whose attributes do not fit its inputs", async () => {
    const weights = { name: "w", dims: [2, 5], dataType: 1, floatData: new Array<number>(10).fill(1) };
    const attribute = [{ name: "num_heads", type: 2, i: 3 }];
    const node = { opType: "Attention", domain: "com.microsoft", input: ["c", "w"], output: ["y"], attribute };
    const c = { name: "c", dims: [1, 2, 2], dataType: 1, floatData: [1, 2, 3, 4] };
    expect(await complaint(() => opened(fileOf({ node: [node], initializer: [c, weights] })))).not.toBe("no complaint");
  });

  test("a weight whose extents are negative, though their product is right", async () => {
    const w = { name: "w", dims: [-1, -2], dataType: 1, floatData: [1, 2] };
    expect(await complaint(() => opened(fileOf({ node: [relu("x", "y")], initializer: [w] })))).toMatch(
      /^model-invalid: Tensor "w" should hold -1×-2/,
    );
  });

  test("functions that call each other without end", async () => {
    const model = (functions: FunctionMessage[]) => fileOf({ node: [call("f0", "x", "y")] }, functions);
    expect(await complaint(() => opened(model(chain(30, 2))))).toMatch(/^model-invalid: The function f\d+ and others/);
    expect(await complaint(() => opened(model(chain(5000, 1))))).toMatch(/calls functions more than 100 deep/);
    expect(await complaint(() => opened(model(chain(5, 2))))).toMatch(/^no complaint|backend-failed/);
  });

  test("many nodes in the reverse of their order", async () => {
    const count = 20_000;
    const node = Array.from({ length: count }, (_, i) =>
      relu(i === count - 1 ? "x" : `t${i + 1}`, i === 0 ? "y" : `t${i}`),
    );
    const { graph } = checkModel(await readModel(fileOf({ node })));
    expect(graph.nodes.map(({ outputs }) => outputs[0]!)).toEqual(node.map(({ output }) => output![0]!).reverse());
    expect(
      await complaint(async () =>
        checkModel(
          await readModel(
            fileOf({
              node: [...node, relu("t0", "x")]
                .slice(0, -1)
                .map((one, i) => (i === count - 1 ? relu("t1", `t${i}`) : one)),
            }),
          ),
        ),
      ),
    ).toMatch(/^model-invalid: The graph has a cycle/);
  }, 20_000);
});

describe("other files that a fuzzer made", () => {
  const npy = (shape: string): Uint8Array => {
    const bytes = Buffer.from(writeNpy({ shape: [2, 2], data: new Float32Array(4) }));
    const text = bytes.toString("latin1");
    return Buffer.from(text.replace("(2, 2),", `${shape},`.padEnd(7)), "latin1");
  };

  test.each(["(-3,)", "(a,)", "(1e3)", "(,2)", "(0x4)", "(-2,-2)"])("an array of the shape %s", async (shape) => {
    expect(await complaint(() => readExactNpy(npy(shape), "x.npy"))).toMatch(/^file-unreadable: The shape of this/);
  });

  test("a preset that makes a picture too large", async () => {
    const preset = await parsePreset({ resize: { exact: [1e9, 1e9] } }, "p.json", () =>
      Promise.reject(new Error("none")),
    );
    const picture = { width: 4, height: 4, channels: 3 as const, data: new Uint8Array(48) };
    expect(await complaint(() => preprocess(picture, preset))).toMatch(/^shape-mismatch: A picture of 4×4/);
    const long = { width: 100_000, height: 1, channels: 1 as const, data: new Uint8Array(100_000) };
    expect(await complaint(() => preprocess(long, presetNamed("imagenet")))).toMatch(
      /^shape-mismatch: A picture of 1×/,
    );
  });

  test("values that cannot be written as texts in place of words", async () => {
    const strange = { toString: 1 };
    const read = () => Promise.reject(new Error("none"));
    expect(await complaint(() => parsePreset({ colour: strange }, "p.json", read))).toMatch(
      /^usage: "colour" cannot be/,
    );
    const recipe = {
      network: { input: [1], layers: [{ kind: strange }] },
      initializer: { kind: "he" },
      loss: "softmaxCrossEntropy",
      optimizer: { kind: "sgd", rate: 1 },
      batch: 1,
      steps: 1,
    };
    expect(await complaint(() => parseRecipe(recipe, "r.json"))).toMatch(
      /^usage: "network.layers\[0\].kind" cannot be/,
    );
  });

  test("a space that repeats a layer a thousand million times", async () => {
    const repeated = { $repeat: { $choice: [1, 1e9] }, layers: [{ kind: "relu" }] };
    const optimizer = { kind: "sgd", rate: 1 };
    const common = { initializer: { kind: "he" }, loss: "softmaxCrossEntropy", optimizer, batch: 1, steps: 1 };
    const space = { network: { input: [1], layers: [repeated, { kind: "dense", units: 1 }] }, ...common };
    expect(await complaint(() => parseSpace(space, "s.json"))).toMatch(/^usage: .* makes 1000000000 layers/);
  });

  test("values in JSON that lie very deep in each other", () => {
    expect(jsonOf(`{"[": [${JSON.stringify('a"[[')}]}`)).toEqual({ "[": ['a"[['] });
    expect(() => jsonOf("[".repeat(600) + "]".repeat(600))).toThrow(/more than 500 deep/);
    expect(() => jsonOf('{"a":'.repeat(100_000))).toThrow();
  });

  test("a network of Caffe with very deep messages, and one with a very long text", async () => {
    const weights = { bytes: new Uint8Array(9) };
    const deep = { bytes: Buffer.from("layer {".repeat(50_000)), file: "net.prototxt" };
    expect(await complaint(() => importCaffe(deep, weights))).toMatch(/^model-invalid: Line 1 .*more than 100 deep/);
    expect(parseTextFormat(`name: "\\x41${"a".repeat(1e6)}"`).text("name")).toHaveLength(1e6 + 1);
  });

  test("a network of Caffe whose input has very many axes", async () => {
    const shape = "dim: 1 ".repeat(100_000);
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { ${shape} } } } layer { name: "y" type: "ReLU" bottom: "x" top: "y" }`;
    const net = { bytes: Buffer.from(text), file: "net.prototxt" };
    const weights = { bytes: caffemodel({ y: [{ shape: [1], data: Float32Array.of(1) }] }) };
    expect(await complaint(() => importCaffe(net, weights))).toMatch(/^model-invalid: A blob has 100000 axes/);
  });

  test("a network of Caffe whose settings lead to extents that are no whole numbers, or to very many", async () => {
    const importing = (layers: string) => {
      const input = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }';
      const weights = { bytes: caffemodel({ y: [{ shape: [1], data: Float32Array.of(1) }] }) };
      return complaint(() => importCaffe({ bytes: Buffer.from(`${input} ${layers}`), file: "net.prototxt" }, weights));
    };
    const layer = (type: string, settings: string, bottoms = 'bottom: "x"') =>
      importing(`layer { name: "y" type: "${type}" ${bottoms} top: "y" ${settings} }`);
    const shape = (dims: string) => layer("Reshape", `reshape_param { shape { ${dims} } }`);
    expect(await shape("dim: 0 dim: 7 dim: -1")).toMatch(/^model-invalid: A blob would have the shape 1×7×/);
    expect(await shape("dim: 0.5 dim: 96")).toMatch(/^model-invalid: A blob would have the shape 0.5×96/);
    expect(await shape("dim: -0 dim: inf")).toMatch(/^model-invalid: A blob would have the shape 1×Infinity/);
    expect(await layer("ShuffleChannel", "shuffle_channel_param { group: 2 }")).toMatch(/^model-invalid: .*1×2×1.5/);
    expect(await layer("Tile", "tile_param { tiles: 0.3 }")).toMatch(/^model-invalid: The layer needs whole numbers/);
    expect(await layer("SPP", "spp_param { pyramid_height: 1000000000 }")).toMatch(/^model-invalid: A pyramid of/);
    expect(await layer("PriorBox", "prior_box_param { min_size: 1 step: 1 }", 'bottom: "x" bottom: "x"')).toBe(
      "no complaint",
    );
    const large = 'dummy_data_param { shape { dim: 1000000 dim: 1000000 } data_filler { type: "constant" } }';
    const sum = 'layer { name: "z" type: "ReLU" bottom: "x" top: "z" }';
    expect(await importing(`layer { name: "y" type: "DummyData" top: "y" ${large} } ${sum}`)).toMatch(
      /^model-invalid: The layer would write 1000000×1000000 numbers/,
    );
  });

  test("a GIF of few bytes whose first picture lies far outside of its screen, or has very many pixels", async () => {
    const gif = await sharp({ create: { width: 9, height: 7, channels: 3, background: "red" } })
      .gif()
      .toBuffer();
    const at = gif.indexOf(0x2c); // the description of the first picture: its left, top, width and height follow
    const [moved, wide] = [Buffer.from(gif), Buffer.from(gif)];
    moved.writeUInt16LE(12_544, at + 1);
    moved.writeUInt16LE(13_157, at + 3);
    for (const place of [6, 8, at + 5, at + 7]) wide.writeUInt16LE(16_000, place);
    expect(await complaint(() => imageDecoder.decode(moved))).toMatch(/^image-undecodable: .*more than 100 million/);
    expect(await complaint(() => imageDecoder.decode(wide))).toMatch(/^image-undecodable: .*more than 100 million/);
  });

  test("a choice between very many values", async () => {
    const rate = { $choice: Array.from({ length: 350_000 }, (_, i) => i + 1) };
    const network = { input: [1], layers: [{ kind: "dense", units: 1 }] };
    const common = { network, initializer: { kind: "he" }, loss: "softmaxCrossEntropy", batch: 1, steps: 1 };
    expect(await complaint(() => parseSpace({ ...common, optimizer: { kind: "sgd", rate } }, "s.json"))).toMatch(
      /^usage: "optimizer.rate" is a choice between 350000 values/,
    );
  });

  test("a network of Caffe that ends in a comment", () => {
    for (const end of ["# the end", "# # # # # # # # # # # # # # # # # # # # # # # # # # # # # #\n", "#", "\n#\n"]) {
      expect(parseTextFormat(`name: "net" ${end}`).text("name")).toBe("net");
    }
  });
});
