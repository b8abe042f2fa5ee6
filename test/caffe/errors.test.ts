import { describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { importCaffe, readMeanImage } from "../../src/caffe/index.ts";
import { blobBytes, caffemodel } from "../support/caffemodel.ts";
import { encoded, inputLayers } from "./nets.ts";

const blob = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
const weights = caffemodel({ ip: [blob(5, 12), blob(5)] });
const head = inputLayers({ data: [1, 3, 2, 2] });
const ip = 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }';

function errorOf(prototxt: string | Uint8Array, bytes: Uint8Array = weights): PushforwardError {
  try {
    const text = typeof prototxt === "string" ? encoded(prototxt) : prototxt;
    importCaffe({ bytes: text, file: "net.prototxt" }, { bytes, file: "net.caffemodel" });
  } catch (error) {
    if (error instanceof PushforwardError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("what is wrong is told, with its place", () => {
  test.each([
    [
      "weights of another network",
      head + ip,
      caffemodel({ other: [blob(5)] }),
      "model-invalid",
      /has no weights for this layer/,
    ],
    [
      "weights of another shape",
      head + ip.replace("5", "6"),
      weights,
      "model-invalid",
      /weight of this layer is 5×12 in the .caffemodel, and 6×12 is needed/,
    ],
    ["a bias that is missing", head + ip, caffemodel({ ip: [blob(5, 12)] }), "model-invalid", /1 arrays.*2 are needed/],
    [
      "the files in the wrong order",
      weights,
      encoded(head + ip),
      "model-invalid",
      /not a text, but a .prototxt is needed/,
    ],
    ["a file that was cut off", head + ip, weights.subarray(0, 200), "model-invalid", /not complete \(200 bytes\)/],
    [
      "weights in HDF5",
      head + ip,
      Uint8Array.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0]),
      "model-invalid",
      /HDF5/,
    ],
    ["a solver", "base_lr: 0.01\nnet: 'train.prototxt'", weights, "model-invalid", /describes the training/],
    ["a file without layers", 'name: "x"', weights, "model-invalid", /has no layers/],
    [
      "types that are not read, all at once",
      `${head}layer { name: "a" type: "Python" bottom: "data" top: "a" } layer { name: "b" type: "Filter" bottom: "a" top: "b" }`,
      weights,
      "op-unsupported",
      /"a" \(Python\), "b" \(Filter\)/,
    ],
    [
      "a setting whose meaning is not known",
      head + ip.replace("num_output: 5", "num_output: 5 sparse: true"),
      weights,
      "op-unsupported",
      /settings is not known: sparse|settings.*not known: sparse/,
    ],
    [
      "a bottom that nothing gives",
      head + ip.replace('bottom: "data"', 'bottom: "date"'),
      weights,
      "model-invalid",
      /"date"/,
    ],
    [
      "an input whose shape is not told",
      `layer { name: "data" type: "Input" top: "data" } ${ip}`,
      weights,
      "shape-mismatch",
      /does not tell the shape of the input "data"/,
    ],
    ["two layers of one name", head + ip + ip, weights, "model-invalid", /Two layers .* named "ip"/],
    [
      "shapes that do not fit",
      `${head}layer { name: "r" type: "Reshape" bottom: "data" top: "r" reshape_param { shape { dim: 0 dim: 5 dim: 2 } } }`,
      weights,
      "model-invalid",
      /1×3×2×2|cannot have the shape/,
    ],
  ] as const)("%s", (_name, prototxt, bytes, code, wanted) => {
    const error = errorOf(prototxt, bytes);
    expect(error.what).toMatch(wanted);
    expect(error.code).toBe(code);
    expect(error.fix).toBeTruthy();
    expect(error.where.file).toMatch(/^net\./);
  });

  test("the place names the layer and its type", () => {
    expect(errorOf(head + ip.replace("5", "6")).where).toEqual({
      file: "net.prototxt",
      node: "ip",
      op: "InnerProduct",
    });
    expect(errorOf(`${head}layer { name: "a" type: "Python" bottom: "data" top: "a" }`).fix).toBe(
      "Import the part before them: --until data.",
    );
  });
});

describe("mean images", () => {
  test("channels, height and width, with or without the old extents", () => {
    const image = { shape: [3, 2, 2], data: Float32Array.from({ length: 12 }, (_, i) => i) };
    expect(readMeanImage(blobBytes(image, true))).toEqual(image);
    expect(readMeanImage(blobBytes({ ...image, shape: [1, 3, 2, 2] }))).toEqual(image);
  });

  test("another file is refused", () => {
    expect(() => readMeanImage(blobBytes(blob(5)))).toThrow(/no picture/);
    expect(() => readMeanImage(encoded("hello"), "mean.binaryproto")).toThrow(/not a mean image/);
  });
});
