import { symlink } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { floatTensor, node, type OnnxModel, writeModel } from "../../src/onnx/index.ts";
import { decodeModel, EXTERNAL, encodeModel } from "../../src/onnx/proto.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, randomPng, type Workplace } from "./workplace.ts";

const network = convnet();
const whole = writeModel(network);

/** The network with one entry of a weight changed. */
function withEntry(name: string, entry: number): OnnxModel {
  const tensor = network.graph.initializers.get(name)!;
  const data = Float32Array.from(tensor.data as Float32Array);
  data[3] = entry;
  const initializers = new Map(network.graph.initializers).set(name, { ...tensor, data });
  return { ...network, graph: { ...network.graph, initializers } };
}

/** The network with the weight w2 in another file. */
function withExternal(location: string): Uint8Array {
  const message = decodeModel(whole);
  const graph = message.graph!;
  const initializer = graph.initializer!.map((tensor) => {
    if (tensor.name !== "w2") return tensor;
    const { name, dims, dataType } = tensor;
    return { name, dims, dataType, dataLocation: EXTERNAL, externalData: [{ key: "location", value: location }] };
  });
  return encodeModel({ ...message, graph: { ...graph, initializer } });
}

/** The network with its second half quantized: QuantizeLinear has no derivative that says anything. */
function quantized(): OnnxModel {
  const nodes = network.graph.nodes.flatMap((each) =>
    each.name !== "conv2"
      ? [each]
      : [
          node({ op: "QuantizeLinear", name: "quantize", inputs: ["pool1", "step"], outputs: ["codes"] }),
          node({ op: "DequantizeLinear", name: "dequantize", inputs: ["codes", "step"], outputs: ["levels"] }),
          { ...each, inputs: ["levels", "w2"] },
        ],
  );
  const initializers = new Map(network.graph.initializers).set("step", floatTensor([], [0.1]));
  return { ...network, graph: { ...network.graph, nodes, initializers } };
}

interface Row {
  readonly what: string;
  readonly args: readonly string[];
  readonly code?: number;
  /** Standard error, line by line. */
  readonly says: readonly string[];
}

const atModel = (file: string, ...more: readonly string[]) => `  at  ${[`file ${file}`, ...more].join(", ")}`;
const lookInside = "  do  Check that the file is ONNX and complete; download or export it again.";
const besideModel = "  do  Save the model again with its data beside it.";
const diverged = "  do  The training diverged, or the file is damaged. Use another checkpoint.";
const seeHelp = "  do  Run with --help for commands and options.";
const noPicture = [
  "error: This is not a picture of a known format.",
  "  at  file bad/one.png",
  "  do  Give a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or an .npy array.",
];

const models: readonly Row[] = [
  {
    what: "a model that is not there",
    args: ["nowhere.onnx", "x.npy"],
    says: ["error: There is no such file.", atModel("nowhere.onnx"), "  do  Check the path."],
  },
  {
    what: "a folder for a model",
    args: ["pictures", "x.npy"],
    says: ["error: This is a folder, not a file.", atModel("pictures"), "  do  Name a file in it."],
  },
  {
    what: "a text in place of a model",
    args: ["text.onnx", "x.npy"],
    says: [
      'error: The file is text ("this is not a model"), but an ONNX model is needed.',
      atModel("text.onnx"),
      "  do  Download the file again; the link must lead to the file itself.",
    ],
  },
  {
    what: "a model that was cut off",
    args: ["half.onnx", "x.npy"],
    says: [
      "error: The file is not a complete ONNX model: it ends in the middle of a field, after 800 bytes.",
      atModel("half.onnx"),
      lookInside,
    ],
  },
  {
    what: "weights in a file that is not there",
    args: ["models/missing.onnx", "x.npy"],
    says: [
      'error: The data of tensor "w2" lies in "weights.bin", which cannot be read: There is no such file.',
      atModel("models/missing.onnx"),
      '  do  Put "weights.bin" beside the model.',
    ],
  },
  {
    what: "weights in a file that ends early",
    args: ["models/short.onnx", "x.npy"],
    says: [
      'error: The data of tensor "w2" lies in "two", which ends early: 8 of 864 bytes at offset 0.',
      atModel("models/short.onnx"),
      '  do  Download or export "two" again.',
    ],
  },
  {
    what: "weights above the model's folder",
    args: ["models/above.onnx", "x.npy"],
    says: [
      'error: The data of tensor "w2" lies in "../secret", which is not a file beside the model.',
      atModel("models/above.onnx"),
      besideModel,
    ],
  },
  {
    what: "weights at an absolute path",
    args: ["models/absolute.onnx", "x.npy"],
    says: [
      'error: The data of tensor "w2" lies in "/etc/passwd", which is not a file beside the model.',
      atModel("models/absolute.onnx"),
      besideModel,
    ],
  },
  {
    what: "weights behind a link out of the model's folder",
    args: ["models/linked.onnx", "x.npy"],
    says: [
      `error: The data of tensor "w2" lies in "link", which cannot be read: it leads out of the model's folder.`,
      atModel("models/linked.onnx"),
      '  do  Put "link" beside the model.',
    ],
  },
  {
    what: "NaN among the weights",
    args: ["nan.onnx", "x.npy"],
    says: [
      'error: 1 of 216 entries of the weight "w2" are not finite (NaN or infinite).',
      atModel("nan.onnx", "node conv2", "op Conv"),
      diverged,
    ],
  },
  {
    what: "an infinite weight",
    args: ["infinite.onnx", "x.npy"],
    says: [
      'error: 1 of 36 entries of the weight "w1" are not finite (NaN or infinite).',
      atModel("infinite.onnx", "node conv1", "op Conv"),
      diverged,
    ],
  },
  {
    what: "operators without a rule",
    args: ["quantized.onnx", "x.npy"],
    code: 3,
    says: [
      'error: 5 of 8 taps cannot be computed. Quantize "quantize": it rounds to quantized numbers, which tangents pass only with --quantized straight-through (in the library: quantized).',
      atModel("quantized.onnx", "node quantize", "op Quantize"),
      "  do  These taps do not need them: --taps conv1,relu1,pool1.",
    ],
  },
  {
    what: "only taps behind an operator without a rule",
    args: ["quantized.onnx", "x.npy", "--taps", "logits"],
    code: 3,
    says: [
      'error: 1 of 1 taps cannot be computed. Quantize "quantize": it rounds to quantized numbers, which tangents pass only with --quantized straight-through (in the library: quantized).',
      atModel("quantized.onnx", "node quantize", "op Quantize"),
      "  do  All taps need them. CONTRIBUTING.md explains how to add a rule.",
    ],
  },
];

const taps: readonly Row[] = [
  {
    what: "a tap with a near name",
    args: ["net.onnx", "x.npy", "--taps", "conv1,relu3"],
    says: [
      'error: There is no tap "relu3".',
      atModel("net.onnx", "tap relu3"),
      '  do  Did you mean "relu1" or "relu2"? `pushforward inspect` lists all taps.',
    ],
  },
  {
    what: "a tap like no other",
    args: ["net.onnx", "x.npy", "--taps", "attention"],
    says: [
      'error: There is no tap "attention".',
      atModel("net.onnx", "tap attention"),
      "  do  The taps are picture, conv1, relu1, pool1, conv2, relu2, logits.",
    ],
  },
  {
    what: "no name for a tap",
    args: ["net.onnx", "x.npy", "--taps", ","],
    says: [
      "error: No tap is given.",
      "  at  option --taps",
      "  do  Give names of taps, for example --taps conv1,relu1, or leave the option out for all taps.",
    ],
  },
  {
    what: "one tap twice",
    args: ["net.onnx", "x.npy", "--taps", "relu1,relu1"],
    says: ['error: Two taps of a run are called "relu1".', "  do  Name every tap once."],
  },
  {
    what: "a source with a near name",
    args: ["net.onnx", "x.npy", "--from", "pol1"],
    says: [
      'error: There is no tap "pol1".',
      atModel("net.onnx", "tap pol1"),
      '  do  Did you mean "pool1"? `pushforward inspect` lists all taps.',
    ],
  },
  {
    what: "a target before the source",
    args: ["net.onnx", "x.npy", "--from", "relu2", "--taps", "conv1"],
    says: [
      'error: "conv1" does not depend on "relu2": no path with a derivative leads from one to the other.',
      atModel("net.onnx", "tap conv1"),
      "  do  Choose a target after the source; `pushforward inspect` lists the taps in order.",
    ],
  },
  {
    what: "a source after which nothing comes",
    args: ["net.onnx", "x.npy", "--from", "logits"],
    says: [
      'error: No tap depends on "logits".',
      atModel("net.onnx", "tap logits"),
      "  do  Choose an earlier source with --from.",
    ],
  },
  {
    what: "k larger than any tap allows",
    args: ["net.onnx", "x.npy", "-k", "145"],
    says: [
      "error: k = 145 is too large: at the given taps, J has at most min(m, n) = 144 singular values.",
      "  at  option -k",
      "  do  Ask for at most 144, or leave -k out.",
    ],
  },
];

const inputs: readonly Row[] = [
  {
    what: "an input that is not there",
    args: ["net.onnx", "nowhere.npy"],
    says: ["error: There is no such file.", atModel("nowhere.npy"), "  do  Check the path."],
  },
  {
    what: "a folder without pictures",
    args: ["net.onnx", "models"],
    says: [
      "error: There is no picture or array in models.",
      "  do  Give files or folders with .jpg, .jpeg, .png, .webp, .gif, .tif, .tiff, .avif, .npy. Names that begin with a dot and folders of results are left out.",
    ],
  },
  {
    what: "an array of another shape",
    args: ["net.onnx", "small.npy"],
    says: [
      "error: The input is 1×4×4, but the network takes 1×12×12.",
      atModel("small.npy"),
      "  do  Give an array of the network's input shape, or choose a preprocessing that produces it.",
    ],
  },
  {
    what: "an array that is none",
    args: ["net.onnx", "text.npy"],
    says: [
      "error: This is not a NumPy .npy file.",
      atModel("text.npy"),
      "  do  Write it with numpy.save(file, array).",
    ],
  },
  {
    what: "a picture that does not fit",
    args: ["net.onnx", "large.png", "--preprocess", "none"],
    says: [
      "error: A picture is 30×20, but the network takes 12×12.",
      atModel("large.png"),
      "  do  Choose a preprocessing that resizes, or resize the picture.",
    ],
  },
  {
    what: "only pictures that do not decode",
    args: ["net.onnx", "bad", "--preprocess", "none"],
    says: noPicture,
  },
  {
    what: "a picture and no preprocessing",
    args: ["net.onnx", "pictures/fits.png"],
    says: [
      "error: No preprocessing is given, so it is not known how to convert pictures to an input of 1×12×12.",
      "  at  option --preprocess",
      "  do  Give one: imagenet, caffe-alexnet, mnist, cifar10, none, or a JSON file.",
    ],
  },
  {
    what: "a preprocessing with a near name",
    args: ["net.onnx", "pictures/fits.png", "--preprocess", "imagnet"],
    says: [
      'error: There is no preprocessing "imagnet".',
      "  at  option --preprocess",
      '  do  Did you mean "imagenet"? Or give the path of a preset file (.json).',
    ],
  },
  {
    what: "a preprocessing for other networks",
    args: ["net.onnx", "pictures/fits.png", "--preprocess", "imagenet"],
    says: [
      'error: Preprocessing "imagenet" cannot give a network input of 1×12×12: it gives 3 channel(s), the network takes 1.',
      "  at  option --preprocess",
      "  do  Choose another preset, or write a preset file with the network's channels.",
    ],
  },
  {
    what: "a preset file that is not there",
    args: ["net.onnx", "pictures/fits.png", "--preprocess", "nowhere.json"],
    says: ["error: There is no such file.", atModel("nowhere.json"), "  do  Check the path."],
  },
  {
    what: "a shape that the file contradicts",
    args: ["net.onnx", "x.npy", "--shape", "1,14,14"],
    says: [
      'error: The input "picture" has the shape 1×1×12×12 in the file, but 1×14×14 is given.',
      atModel("net.onnx"),
      "  do  Give a shape (--shape) that agrees with the fixed extents of the file, or export the model with open extents.",
    ],
  },
];

const option = (name: string, value: string, wanted: string, example: string): Row => ({
  what: `${name} ${value || "(empty)"}`,
  args: ["net.onnx", "x.npy", name, value],
  says: [`error: "${value}" is not ${wanted}.`, `  at  option ${name}`, `  do  For example: ${name} ${example}.`],
});

const options: readonly Row[] = [
  option("-k", "0", "a whole number of at least 1", "100"),
  option("-k", "2.5", "a whole number of at least 1", "100"),
  option("-k", "", "a whole number of at least 1", "100"),
  option("--tol", "2", "a number between 0 and 1", "1e-5"),
  option("--tol", "tight", "a number between 0 and 1", "1e-5"),
  option("--seed", "-1", "a whole number of at least 0", "100"),
  option("--threads", "0", "a whole number of at least 1", "100"),
  option("--vectors", "few", 'a whole number, "all" or "none"', "16"),
  option("--shape", "1,x,12", "a shape", "3,224,224"),
  { what: "no input", args: ["net.onnx"], says: ["error: Missing required argument 'input'.", seeHelp] },
  {
    what: "an option without its value",
    args: ["net.onnx", "x.npy", "-k"],
    says: ["error: Option '-k, --k <count>' argument missing.", seeHelp],
  },
  {
    what: "an unknown option",
    args: ["net.onnx", "x.npy", "--tap", "conv1"],
    says: ["error: Unknown option '--tap'.", `${seeHelp.replace("Run", "Did you mean --taps? Run")}`],
  },
];

let place: Workplace;

beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": whole,
    "x.npy": randomNpy([1, 12, 12]),
    "small.npy": randomNpy([1, 4, 4]),
    "text.npy": "1, 2, 3",
    "large.png": await randomPng(30, 20),
    "pictures/fits.png": await randomPng(12, 12),
    "bad/one.png": "not a picture",
    "bad/two.jpg": "nor this",
    "text.onnx": "this is not a model",
    "half.onnx": whole.subarray(0, 800),
    "nan.onnx": writeModel(withEntry("w2", Number.NaN)),
    "infinite.onnx": writeModel(withEntry("w1", Number.NEGATIVE_INFINITY)),
    "quantized.onnx": writeModel(quantized()),
    secret: new Uint8Array(4 * 216),
    "models/missing.onnx": withExternal("weights.bin"),
    "models/short.onnx": withExternal("two"),
    "models/two": new Uint8Array(8),
    "models/above.onnx": withExternal("../secret"),
    "models/absolute.onnx": withExternal("/etc/passwd"),
    "models/linked.onnx": withExternal("link"),
  });
  await symlink("../secret", place.path("models", "link"));
});
afterAll(() => place.remove());

const text = (lines: readonly string[]) => `${lines.join("\n")}\n`;

describe.each([
  { kind: "models", rows: models },
  { kind: "taps and k", rows: taps },
  { kind: "inputs", rows: inputs },
  { kind: "options", rows: options },
])("spectrum refuses $kind and leaves no folder behind:", ({ rows }) => {
  test.each(rows)("$what", async ({ args, code = 2, says }) => {
    const outcome = await pushforward(["spectrum", "--out", "out", ...args], { cwd: place.folder });
    expect(outcome).toEqual({ code, stdout: "", stderr: text(says) });
    expect(await place.list()).not.toContain("out");
  });
});

describe("the command line refuses", () => {
  test.each([
    {
      what: "an unknown command",
      args: ["spectrm", "net.onnx"],
      says: [
        "error: Unknown command 'spectrm'.",
        "  do  Did you mean spectrum? Run with --help for commands and options.",
      ],
    },
    {
      what: "one argument too many",
      args: ["inspect", "net.onnx", "x.npy", "y.npy"],
      says: ["error: Too many arguments for 'inspect'. Expected 2 arguments but got 3.", seeHelp],
    },
    {
      what: "to inspect what is no model",
      args: ["inspect", "text.onnx"],
      says: models.find(({ args }) => args[0] === "text.onnx")!.says,
    },
  ])("$what", async ({ args, says }) => {
    const outcome = await pushforward(args, { cwd: place.folder });
    expect(outcome).toEqual({ code: 2, stdout: "", stderr: text(says) });
  });

  test("to report on a folder without a run", async () => {
    expect(await pushforward(["report", "pictures"], { cwd: place.folder })).toEqual({
      code: 2,
      stdout: "",
      stderr: text([
        "error: There is no run here.",
        `  at  file ${place.path("pictures")}`,
        "  do  Give the folder that a run was written to.",
      ]),
    });
    expect(await place.list("pictures")).toEqual(["fits.png"]);
  });

  test("to do nothing: it shows its help", async () => {
    const { code, stdout, stderr } = await pushforward([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: pushforward [options] [command]");
  });
});
