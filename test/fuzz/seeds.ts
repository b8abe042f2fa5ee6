import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { writeNpy } from "../../src/images/index.ts";
import { buildModel, floatTensor, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { encodeModel } from "../../src/onnx/proto.ts";
import { drawNet, encoded, fileOf } from "../caffe/nets.ts";
import { rows } from "../caffe/rows.ts";
import { blobBytes } from "../support/caffemodel.ts";
import { nodeTests } from "../support/onnx-node.ts";
import { jpegFiles, pngFiles } from "../support/pictures.ts";
import { sharedDir, sharedPath } from "../support/shared.ts";
import { writeTiff } from "../support/tiff.ts";

/** The files of one input, by their names: those that belong together are read together. */
export type Seed = Readonly<Record<string, Uint8Array>>;

/** Larger models are mostly weights, whose bytes may be anything. */
const LARGEST_MODEL = 60_000;

const examples = resolve(dirname(fileURLToPath(import.meta.url)), "../../examples");
const example = (...path: string[]): Uint8Array => readFileSync(join(examples, ...path));
const examplesIn = (folder: string, ending: string): Uint8Array[] =>
  readdirSync(join(examples, folder))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => example(folder, name));

/** What lies beside a model as its external data. */
export const WEIGHTS = "weights.bin";

function smallModels(): Uint8Array[] {
  const conv = buildModel({
    inputs: [valueInfo("x", "float32", ["N", 1, 4, 4])],
    outputs: [valueInfo("y", "float32", ["N", 1, 3, 3])],
    nodes: [
      node({ op: "Conv", name: "conv1", inputs: ["x", "w"], outputs: ["c"] }),
      node({ op: "Relu", name: "relu1", inputs: ["c"], outputs: ["y"] }),
    ],
    initializers: new Map([["w", floatTensor([1, 1, 2, 2], [1, 2, 3, 4])]]),
  });
  const { graph } = conv;
  const branch = (op: string) => ({
    ...{ name: op, inputs: [], initializers: new Map(), outputs: [valueInfo(op, "float32", [2])] },
    nodes: [node({ op, inputs: ["x"], outputs: [op] })],
  });
  const choice = buildModel({
    inputs: [valueInfo("x", "float32", [2]), valueInfo("b", "bool", [])],
    outputs: [valueInfo("y", "float32", [2])],
    nodes: [
      node({
        op: "If",
        inputs: ["b"],
        outputs: ["y"],
        attributes: {
          then_branch: { kind: "graph", value: branch("Relu") },
          else_branch: { kind: "graph", value: branch("Neg") },
        },
      }),
    ],
    initializers: new Map(),
  });
  const outside = (name: string, location: string, offset: string, length: string) => ({
    ...{ name, dims: [2], dataType: 1, dataLocation: 1 },
    externalData: [
      { key: "location", value: location },
      { key: "offset", value: offset },
      { key: "length", value: length },
    ],
  });
  // What leads out of the folder through a link must be refused; whatever else of these files is changed.
  const externalAt = (location: string) =>
    encodeModel({
      irVersion: 8,
      opsetImport: [{ version: 18 }],
      graph: {
        name: "g",
        input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } }],
        output: [{ name: "y" }],
        node: [
          { opType: "Add", input: ["x", "a"], output: ["s"] },
          { opType: "Mul", input: ["s", "b"], output: ["y"] },
        ],
        initializer: [outside("a", WEIGHTS, "0", "8"), outside("b", location, "8", "8")],
      },
    });
  const calling = encodeModel({
    irVersion: 8,
    opsetImport: [{ version: 18 }, { domain: "own", version: 1 }],
    graph: {
      name: "g",
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } }],
      output: [{ name: "y" }],
      node: [{ opType: "Twice", domain: "own", input: ["x"], output: ["y"] }],
    },
    functions: ["Twice", "Once"].map((name, i) => ({
      ...{ name, domain: "own", input: ["a"], output: ["b"], opsetImport: [{ version: 18 }] },
      node: [
        { opType: i === 0 ? "Once" : "Relu", domain: i === 0 ? "own" : "", input: ["a"], output: ["m"] },
        { opType: "Neg", input: ["m"], output: ["b"] },
      ],
    })),
  });
  const large = { ...conv, graph: { ...graph, inputs: [valueInfo("x", "float32", ["N", "C", "H", "W"])] } };
  return [
    ...[writeModel(conv), writeModel(choice), calling, writeModel(large)],
    ...[WEIGHTS, WEIGHTS, "link.bin", "folder/canary.bin"].map(externalAt),
  ];
}

function sharedModels(): Uint8Array[] {
  if (sharedDir === undefined) return [];
  const zoo = readdirSync(sharedPath("zoo"))
    .filter((name) => name.endsWith(".onnx") && statSync(sharedPath("zoo", name)).size < LARGEST_MODEL)
    .map((name) => readFileSync(sharedPath("zoo", name)));
  const cases = [...nodeTests()].map(({ model }) => model).filter(({ length }) => length < LARGEST_MODEL);
  return [...zoo, ...cases];
}

const models = (withShared: boolean): Seed[] =>
  [...smallModels(), example("digits", "digits.onnx"), ...(withShared ? sharedModels() : [])].map((bytes) => ({
    "net.onnx": Uint8Array.from(bytes),
  }));

async function images(): Promise<Seed[]> {
  const drawn = { width: 9, height: 7, data: Uint8Array.from({ length: 9 * 7 * 4 }, (_, i) => (i * 37) % 256) };
  const raw = sharp(drawn.data, { raw: { width: 9, height: 7, channels: 4 } });
  const tiffs = [
    writeTiff({ ...drawn, bits: 8, samples: 4, photometric: 2, extra: [2] }),
    writeTiff({ ...drawn, bits: 8, samples: 4, photometric: 5, inkSet: 1 }),
    writeTiff({ ...drawn, height: 3, bits: 16, samples: 3, photometric: 2, format: 1 }),
  ];
  for (const compression of ["lzw", "deflate", "jpeg"] as const) {
    tiffs.push(await raw.clone().removeAlpha().tiff({ compression }).toBuffer());
  }
  return [
    ...(await pngFiles()).map(({ bytes }) => ({ "a.png": bytes })),
    ...(await jpegFiles()).filter((_, i) => i % 3 === 1).map(({ bytes }) => ({ "a.jpg": bytes })),
    ...tiffs.map((bytes) => ({ "a.tif": bytes })),
    { "a.gif": await raw.clone().gif().toBuffer() },
    { "a.webp": await raw.clone().webp().toBuffer() },
    { "a.webp": await raw.clone().webp({ lossless: true }).toBuffer() },
    { "a.png": example("digits", "images", readdirSync(join(examples, "digits", "images")).sort()[0]!) },
  ];
}

/** An .npy file with this type and these bytes. */
function npyOf(descr: string, shape: string, data: Uint8Array, version = 1): Uint8Array {
  const head = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(version === 1 ? 117 : 115);
  const size = Buffer.alloc(version === 1 ? 2 : 4);
  size[0] = head.length + 1;
  return Buffer.concat([Buffer.from([0x93, ...Buffer.from("NUMPY"), version, 0]), size, encoded(`${head}\n`), data]);
}

function arrays(): Seed[] {
  const float = writeNpy({ shape: [1, 2, 3], data: Float32Array.from({ length: 6 }, (_, i) => i / 7) });
  const others = ["<f4", "<f8", "|u1", "<i8", "<u8", "|b1", "<i2"].map((descr, i) =>
    npyOf(descr, "(2, 2)", new Uint8Array(32), 1 + (i % 3)),
  );
  return [float, ...others].map((bytes) => ({ "x.npy": bytes }));
}

const presetFiles: readonly object[] = [
  { base: "imagenet", crop: [24, 24], resize: { shorterSide: 30 } },
  { base: "caffe-alexnet", colour: "BGR", resize: { exact: [28, 28] }, mean: "mean.npy", scale: 1, std: [1, 2, 3] },
  { colour: "RGB", resize: { required: [28, 28] }, mean: [0.5], std: [0.5], invert: true, name: "a", unit: "u" },
];

function presets(): Seed[] {
  const files = [example("digits", "preprocess.json"), ...presetFiles.map((file) => encoded(JSON.stringify(file)))];
  const mean = writeNpy({ shape: [3, 28, 28], data: new Float32Array(3 * 28 * 28).fill(0.5) });
  return files.map((bytes) => ({ "preset.json": bytes, "mean.npy": mean }));
}

const labelTexts: readonly string[] = [
  "cat\ngreat white shark\n",
  "n01440764\ttench\nn01443537\tgoldfish\n",
  'file,class,split\na.png,cat,train\n"b, c.png","a ""dog""",val\n',
  "id;filename;species\n7;a.png;3\n8;b.png;4.0\n",
  '["cat", "dog"]',
  '{"cat": 0, "dog": 1}',
];

const labels = (): Seed[] => [
  { "labels.tsv": example("digits", "labels.tsv") },
  ...labelTexts.map((text) => ({ "labels.tsv": encoded(text) })),
  { "labels.tsv": Buffer.from("\ufefffile\tclass\na.png\tköln\n", "utf16le") },
];

const commented = "# a net\nname: 'n\\x41\\101' input: 'x' input_dim: 1 input_dim: 1 input_dim: 5 input_dim: 5\n";

function caffe(): Seed[] {
  const mean = blobBytes({ shape: [1, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4) });
  const nets = rows.flatMap((row, i) => {
    const net = drawNet(row.name, row);
    const form = (["newest", "V1", "V0"] as const)[i % 3]!;
    return [{ prototxt: net.prototxt, weights: fileOf(net, form) }];
  });
  const pool = 'layers { bottom: "x" top: "y" layer { name: "y" type: "pool" kernelsize: 2 stride: 2 } } # end\n';
  nets.push({ prototxt: commented + pool, weights: nets[0]!.weights });
  return nets.map(({ prototxt, weights }) => ({
    "net.prototxt": encoded(prototxt),
    "net.caffemodel": weights,
    "mean.binaryproto": mean,
  }));
}

const recipes = (): Seed[] => [
  { "recipe.json": example("digits", "recipe.json") },
  ...examplesIn("training", ".json").map((bytes) => ({ "recipe.json": bytes })),
  ...examplesIn("lyapunov", ".json").map((bytes) => ({ "recipe.json": bytes })),
  ...examplesIn("search", ".json").map((bytes) => ({ "space.json": bytes })),
];

/** What mutants of each kind are made of. Those from the shared folder come last. */
export const seedsOf = {
  model: models,
  image: images,
  npy: arrays,
  preset: presets,
  labels,
  caffe,
  recipe: recipes,
} as const satisfies Readonly<Record<string, (withShared: boolean) => Seed[] | Promise<Seed[]>>>;

export type Kind = keyof typeof seedsOf;
export const kinds = Object.keys(seedsOf) as Kind[];
