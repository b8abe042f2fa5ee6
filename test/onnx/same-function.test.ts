import { describe, expect, test, vi } from "vitest";
import { createRng, gaussianArray, PushforwardError } from "../../src/base/index.ts";
import {
  buildModel,
  checkSameFunction,
  filled,
  float,
  floatTensor,
  int,
  intTensor,
  type Model,
  type Node,
  node,
  normalize,
  type OnnxModel,
  readModel,
  type Tensor,
  type ValueInfo,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { fromFloat32Array } from "../../src/onnx/tensor-types.ts";
import { evaluate, runBytes } from "../support/ort.ts";

const x = valueInfo("x", "float32", [1, 6]);

function modelOf(
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
  inputs: readonly ValueInfo[] = [x],
  outputs: readonly string[] = ["y"],
): OnnxModel {
  const infos = outputs.map((name) => ({ name, type: undefined, shape: undefined }));
  return buildModel({ inputs, outputs: infos, nodes, initializers: new Map(Object.entries(initializers)) });
}

/** Compares a model with its normalized graph, after `tamper` has changed that; `runs` counts runs of the file. */
async function compare(original: OnnxModel, tamper = (model: Model): Model | Promise<Model> => model) {
  const model = await tamper(await normalize(original, { evaluate }));
  const bytes = writeModel(original);
  let runs = 0;
  const runFile = (feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]) => {
    runs++;
    return runBytes(bytes, feeds, fetches);
  };
  await checkSameFunction({ file: "net.onnx", original, model, runFile, evaluate });
  return runs;
}

/** The normalized graph with another node in place of the one of this name. */
const replacing =
  (name: string, change: (node: Node) => Node) =>
  (model: Model): Model => {
    const { graph } = model.onnx;
    const nodes = graph.nodes.map((one) => (one.name === name ? change(one) : one));
    expect(nodes).not.toEqual(graph.nodes);
    return { ...model, onnx: { ...model.onnx, graph: { ...graph, nodes } } };
  };

async function refusal(attempt: Promise<unknown>): Promise<PushforwardError> {
  const thrown = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(PushforwardError);
  return thrown as PushforwardError;
}

const w = floatTensor([6, 6], gaussianArray(createRng("same"), 36));
const network = modelOf(
  [
    node({ op: "MatMul", inputs: ["x", "w"], outputs: ["a"] }),
    node({ op: "LeakyRelu", inputs: ["a"], outputs: ["b"], attributes: { alpha: float(0.1) } }),
    node({ op: "MatMul", inputs: ["b", "w"], outputs: ["c"] }),
    node({ op: "Tanh", inputs: ["c"], outputs: ["y"] }),
    node({ op: "Sin", inputs: ["a"], outputs: ["z"] }),
  ],
  { w },
  [x],
  ["y", "z"],
);

describe("a graph that computes something else is refused", () => {
  test("naming the first node that differs, the file, and by how much", async () => {
    const error = await refusal(
      compare(
        network,
        replacing("b", (one) => ({ ...one, attributes: { alpha: float(0.11) } })),
      ),
    );
    expect(error.code).toBe("op-unsupported");
    expect(error.where).toEqual({ file: "net.onnx", node: "b", op: "LeakyRelu" });
    expect(error.what).toMatch(/^Pushforward rewrites this model .* the tensor "b" differs by 0\.\d+ of its norm from/);
  });

  test("where only its second output differs", async () => {
    const error = await refusal(
      compare(
        network,
        replacing("z", (one) => ({ ...one, op: "Cos" })),
      ),
    );
    expect(error.where).toMatchObject({ node: "z", op: "Sin" });
  });

  test("where it differs by shape", async () => {
    const spread = modelOf([node({ op: "Expand", inputs: ["x", "to"], outputs: ["y"] })], { to: intTensor([2, 6]) });
    const error = await refusal(
      compare(
        spread,
        replacing("y", (one) => ({ ...one, op: "Identity", inputs: ["x"] })),
      ),
    );
    expect(error.what).toContain('"y" differs in its shape or in which entries are finite');
  });

  test("where it is not a number in other places", async () => {
    const root = modelOf([node({ op: "Sqrt", inputs: ["x"], outputs: ["y"] })]);
    const error = await refusal(
      compare(
        root,
        replacing("y", (one) => ({ ...one, op: "Abs" })),
      ),
    );
    expect(error.where.node).toBe("y");
  });

  test("where the file was read wrongly", async () => {
    const other = modelOf(
      network.graph.nodes,
      {
        w: floatTensor(
          [6, 6],
          (w.data as Float32Array).map((entry, i) => (i === 7 ? -entry : entry)),
        ),
      },
      [x],
      ["y", "z"],
    );
    const runFile = (feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]) =>
      runBytes(writeModel(other), feeds, fetches);
    const model = await normalize(network, { evaluate });
    const error = await refusal(checkSameFunction({ original: network, model, runFile, evaluate }));
    expect(error.where).toMatchObject({ node: "y", op: "Tanh" });
  });

  test("in half precision, by more than that rounds", async () => {
    const half = halfNetwork();
    const error = await refusal(
      compare(
        half,
        replacing("a", (one) => ({ ...one, op: "Tanh" })),
      ),
    );
    expect(error.where.node).toBe("a");
  });
});

/** The same small network with its input and weights in half precision. */
function halfNetwork(): OnnxModel {
  return modelOf(
    [
      node({ op: "MatMul", inputs: ["x", "w"], outputs: ["m"] }),
      node({ op: "Sigmoid", inputs: ["m"], outputs: ["a"] }),
      node({ op: "MatMul", inputs: ["a", "w"], outputs: ["y"] }),
    ],
    { w: { type: "float16", shape: [6, 6], data: fromFloat32Array(w.data as Float32Array, "float16") } },
    [valueInfo("x", "float16", [1, 6])],
  );
}

/** x ← 3.9 x (1 − x), sixty times: rounding grows by half each time. The factor comes first or last in each product. */
function chaotic(factor: "first" | "last"): OnnxModel {
  const step = (i: number): Node[] => {
    const [from, to] = [i === 0 ? "start" : `s${i}`, i === 59 ? "y" : `s${i + 1}`];
    const [product, left, right] =
      factor === "first" ? [`rated${i}`, "rate", `rest${i}`] : [`bare${i}`, `rest${i}`, "rate"];
    return [
      node({ op: "Sub", inputs: ["one", from], outputs: [`rest${i}`] }),
      node({ op: "Mul", inputs: [left, from], outputs: [product] }),
      node({ op: "Mul", inputs: [product, right], outputs: [to] }),
    ];
  };
  const start = node({ op: "Sigmoid", inputs: ["x"], outputs: ["start"] });
  const steps = Array.from({ length: 60 }, (_, i) => step(i)).flat();
  return modelOf([start, ...steps], { one: filled([], 1), rate: filled([], 3.9) });
}

describe("a graph that computes the same passes", () => {
  test("after one run of the file", async () => {
    expect(await compare(network)).toBe(1);
  });

  test("where the input is in half or double precision", async () => {
    expect(await compare(halfNetwork())).toBe(1);
    const double = modelOf(
      [node({ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] })],
      { w: { type: "float64", shape: [6, 6], data: Float64Array.from(w.data as Float32Array) } },
      [valueInfo("x", "float64", [1, 6])],
    );
    expect(await compare(double)).toBe(1);
  });

  test("where it is not finite at negative numbers: once more at positive ones", async () => {
    expect(await compare(modelOf([node({ op: "Log", inputs: ["x"], outputs: ["y"] })]))).toBe(2);
  });

  test("where it magnifies rounding without bound", async () => {
    // The file runs five times more for a closer look: once as before, with three other inputs, and with optimizations.
    expect(await compare(chaotic("first"), () => normalize(chaotic("last"), { evaluate }))).toBe(6);
  });

  test("where an output is drawn at random, comparing the others", async () => {
    const drawn = modelOf(
      [
        node({ op: "RandomNormalLike", inputs: ["x"], outputs: ["noise"] }),
        node({ op: "Add", inputs: ["x", "noise"], outputs: ["noisy"] }),
        node({ op: "Abs", inputs: ["x"], outputs: ["y"] }),
      ],
      {},
      [x],
      ["noisy", "y"],
    );
    expect(await compare(drawn)).toBe(1);
    const error = await refusal(
      compare(
        drawn,
        replacing("y", (one) => ({ ...one, op: "Neg" })),
      ),
    );
    expect(error.where.node).toBe("y");
  });

  test("where values decide over shapes, and integers choose", async () => {
    const places = modelOf(
      [
        node({ op: "Relu", inputs: ["x"], outputs: ["r"] }),
        node({ op: "NonZero", inputs: ["r"], outputs: ["y"] }),
        node({ op: "Gather", inputs: ["x", "ids"], outputs: ["z"], attributes: { axis: int(1) } }),
      ],
      {},
      [x, valueInfo("ids", "int64", [2])],
      ["y", "z"],
    );
    expect(await compare(places)).toBe(1);
  });

  test("where its output is a constant or an input", async () => {
    const still = modelOf(
      [node({ op: "Shape", inputs: ["x"], outputs: ["s"] }), node({ op: "Relu", inputs: ["x"], outputs: ["y"] })],
      {},
      [x],
      ["s", "y", "x"],
    );
    expect(await compare(still)).toBe(1);
  });
});

describe("numbers that are tied at every input", () => {
  /** The places of the two largest of six scores that are equal but for rounding, as two kernels order them. */
  const tied = modelOf(
    [
      node({ op: "Sub", inputs: ["x", "x"], outputs: ["none"] }),
      node({ op: "Add", inputs: ["none", "scores"], outputs: ["s"] }),
      node({ op: "TopK", inputs: ["s", "two"], outputs: ["most", "places"] }),
      node({ op: "Gather", inputs: ["boxes", "places"], outputs: ["y"], attributes: { axis: int(0) } }),
    ],
    {
      scores: floatTensor([1, 6], [1, 1, 0, 0, 0, 0]),
      two: intTensor([2]),
      boxes: floatTensor([6], [1, 5, 2, 8, 3, 4]),
    },
  );
  const otherWay = new Map([["y", floatTensor([1, 2], [5, 1])]]);

  test.each([
    ["pass where the runtime's optimizations change their order too", true],
    ["are refused where they do not", false],
  ])("%s", async (_title, changes) => {
    const model = await normalize(tied, { evaluate });
    const bytes = writeModel(tied);
    const runFile = async (feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[], optimized = false) =>
      optimized && changes ? runBytes(bytes, feeds, fetches) : otherWay;
    const compared = checkSameFunction({ original: tied, model, runFile, evaluate });
    if (changes) await compared;
    else expect((await refusal(compared)).where).toMatchObject({ node: "y", op: "Gather" });
  });
});

test("what the runtime does not run is not compared", async () => {
  const model = await normalize(network, { evaluate });
  const fails = async () => {
    throw new Error("not run");
  };
  const wrong = replacing("z", (one) => ({ ...one, op: "Cos" }))(model);
  await checkSameFunction({ original: network, model: wrong, runFile: fails, evaluate: fails });
});

test("where the runtime does not load the file, the graph as read stands for it", async () => {
  const model = await normalize(network, { evaluate });
  const runFile = async () => {
    throw new Error("external data in another folder");
  };
  const wrong = replacing("z", (one) => ({ ...one, op: "Cos" }))(model);
  const error = await refusal(checkSameFunction({ original: network, model: wrong, runFile, evaluate }));
  expect(error.where).toMatchObject({ node: "z" });
});

test("an input of float64 that is given at a step, from which float32 rounds it away", async () => {
  const original = modelOf(
    [
      node({ op: "LessOrEqual", inputs: ["x", "step"], outputs: ["is"] }),
      node({ op: "Cast", inputs: ["is"], outputs: ["y"], attributes: { to: int(11) } }),
    ],
    { step: { type: "float64", shape: [], data: Float64Array.of(1.2) } },
    [valueInfo("x", "float64", [1, 1])],
  );
  const given = new Map([["x", { shape: [1, 1], data: Float64Array.of(1.2) }]]);
  const model = await normalize(original, { evaluate, given });
  const bytes = writeModel(original);
  const runFile = (feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]) => runBytes(bytes, feeds, fetches);
  await checkSameFunction({ original, model, runFile, evaluate });
});

test("float32 in other types of float", () => {
  const numbers = Float32Array.of(0, 1, -1.5, 65504, 2 ** -14, 2 ** -24, 1 / 3, -255 / 64, -Infinity, NaN, 7e4);
  const half = [0, 0x3c00, 0xbe00, 0x7bff, 0x0400, 0x0001, 0x3555, 0xc3f8, 0xfc00, 0x7e00, 0x7c00];
  expect([...(fromFloat32Array(numbers, "float16") as Uint16Array)]).toEqual(half);
  const brain = [0, 0x3f80, 0xbfc0, 0x4780, 0x3880, 0x3380, 0x3eab, 0xc07f, 0xff80, 0x7fc0, 0x4789];
  expect([...(fromFloat32Array(numbers, "bfloat16") as Uint16Array)]).toEqual(brain);
  expect([...(fromFloat32Array(numbers, "float64") as Float64Array)]).toEqual([...numbers]);
});

test("a file that leaves out names of outputs never meets the runtime: the graph as read stands for it", async () => {
  const halves = modelOf([node({ op: "Split", inputs: ["x"], outputs: ["y", ""], attributes: { axis: int(1) } })]);
  const bytes = writeModel({ ...halves, opsets: new Map([["", 13]]) });
  const original = await readModel(bytes);
  const runFile = vi.fn(async () => new Map<string, Tensor>());
  await checkSameFunction({ original, model: await normalize(original, { evaluate }), runFile, evaluate });
  expect(runFile).not.toHaveBeenCalled();
});

describe("codes of quantized numbers", () => {
  const code: Tensor = { type: "uint8", shape: [], data: Uint8Array.of(128) };
  const quantized = modelOf(
    [
      node({ op: "QuantizeLinear", inputs: ["x", "scale", "zero"], outputs: ["codes"] }),
      node({ op: "DequantizeLinear", inputs: ["codes", "scale", "zero"], outputs: ["values"] }),
      node({ op: "MatMul", inputs: ["values", "w"], outputs: ["y"] }),
    ],
    { scale: floatTensor([], [0.0317]), zero: code, w },
  );
  /** The normalized graph with all codes moved. */
  const moved = (by: number) => (model: Model) => {
    const change = (one: Node): Node => ({ ...one, inputs: one.inputs.map((name, i) => (i === 2 ? "moved" : name)) });
    const { onnx, ...rest } = replacing("codes", change)(model);
    const initializers = new Map([...onnx.graph.initializers, ["moved", floatTensor([], [128 + by])] as const]);
    return { ...rest, onnx: { ...onnx, graph: { ...onnx.graph, initializers } } };
  };

  test("may be the next ones, because kernels round sums of another order; what follows from them may be off", async () => {
    expect(await compare(quantized, moved(1))).toBeGreaterThan(0);
  });

  test("may not be others", async () => {
    const { what } = await refusal(compare(quantized, moved(2)));
    expect(what).toContain('the tensor "codes" differs');
  });

  test("excuse no large difference of what follows from them, and none elsewhere", async () => {
    const wrong = (model: Model) => {
      const { onnx, ...rest } = moved(1)(model);
      const doubled = floatTensor(
        [6, 6],
        (w.data as Float32Array).map((entry) => 2 * entry),
      );
      const initializers = new Map([...onnx.graph.initializers, ["w", doubled] as const]);
      return { ...rest, onnx: { ...onnx, graph: { ...onnx.graph, initializers } } };
    };
    const { what } = await refusal(compare(quantized, wrong));
    expect(what).toContain('the tensor "y" differs');
  });
});
