// Cost of a product with recurrent layers and attention, in blocks of 32, against one forward pass by ONNX Runtime's own kernels,
// all in one run: `npm run bench:recurrent`. Printed, and written to bench/results/recurrent.json.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { createRng, gaussianArray, type Rng, type Shape, sizeOf } from "../src/base/index.ts";
import { Network } from "../src/jacobian/index.ts";
import {
  type Attributes,
  buildModel,
  floatTensor,
  int,
  node,
  normalize,
  type OnnxModel,
  readModel,
  type Tensor,
  valueInfo,
} from "../src/onnx/index.ts";
import { createBackend } from "../src/platform/node/backend.ts";
import { evaluateWith } from "../src/runtime/index.ts";
import { writeResult } from "./result.ts";
import { interleaved, scaled, type Timing } from "./timing.ts";

const ROWS = 32;
const ROUNDS = 25;
const folder = process.argv[2] ?? "../shared/zoo";

/** A network of one layer, as a file would hold it. */
interface Case {
  readonly name: string;
  /** The network with one input `x` and one output `y`, for so many samples at once. */
  readonly model: (batch: number) => OnnxModel;
  /** The network takes one sample alone. */
  readonly isSingle?: boolean;
}

const rng = createRng(0, "recurrent");

/** Weights whose products keep the size of what they multiply. */
const weights = (shape: Shape): Tensor => {
  const deviation = 1 / Math.sqrt(shape.at(-1)!);
  const data = gaussianArray(rng, sizeOf(shape)).map((value) => deviation * value);
  return floatTensor(shape, data);
};

const constantWeights = (shapes: Readonly<Record<string, Shape>>) =>
  new Map(Object.entries(shapes).map(([name, shape]) => [name, weights(shape)]));

const gates = { LSTM: 4, GRU: 3, RNN: 1 };

/** A layer that gives all its outputs. */
function recurrent(op: keyof typeof gates, steps: number, inputs: number, hidden: number): Case {
  const rows = gates[op] * hidden;
  const initializers = constantWeights({ W: [1, rows, inputs], R: [1, rows, hidden], B: [1, 2 * rows] });
  const model = (batch: number) =>
    buildModel({
      inputs: [valueInfo("x", "float32", [steps, batch, inputs])],
      outputs: [valueInfo("y", "float32", [steps, 1, batch, hidden])],
      nodes: [node({ op, inputs: ["x", "W", "R", "B"], outputs: ["y"], attributes: { hidden_size: int(hidden) } })],
      initializers,
    });
  return { name: `${op}, ${steps} steps, ${inputs} → ${hidden}`, model };
}

/** Attention of a sequence to itself: the queries, keys and values are the input itself, or projections of it. */
function attention(
  name: string,
  [tokens, width, heads]: readonly [number, number, number],
  layer: {
    readonly op: string;
    readonly domain?: string;
    readonly attributes: Attributes;
    readonly weights?: Record<string, Shape>;
  },
): Case {
  const initializers = constantWeights(layer.weights ?? {});
  const inputs = layer.weights === undefined ? ["x", "x", "x"] : ["x", ...initializers.keys()];
  const { op, domain = "", attributes } = layer;
  const model = (batch: number): OnnxModel => ({
    ...buildModel(
      {
        inputs: [valueInfo("x", "float32", [batch, tokens, width])],
        outputs: [valueInfo("y", "float32", [batch, tokens, width])],
        nodes: [node({ op, domain, inputs, outputs: ["y"], attributes })],
        initializers,
      },
      23,
    ),
    opsets: new Map([
      ["", 23],
      ["com.microsoft", 1],
    ]),
  });
  return { name: `${name}, ${tokens} × ${width}, ${heads} heads`, model };
}

/** A block of a transformer with 12 heads, as GPT-2 small has it. */
function block(tokens: number, width: number): Case {
  const heads = 12;
  const initializers = new Map([
    ...constantWeights({
      qkv: [width, 3 * width],
      out: [width, width],
      up: [width, 4 * width],
      down: [4 * width, width],
    }),
    ...["scale1", "scale2"].map((name) => [name, weights([width])] as const),
  ]);
  const model = (batch: number) =>
    buildModel(
      {
        inputs: [valueInfo("x", "float32", [batch, tokens, width])],
        outputs: [valueInfo("y", "float32", [batch, tokens, width])],
        nodes: [
          node({ op: "LayerNormalization", inputs: ["x", "scale1"], outputs: ["n1"] }),
          node({ op: "MatMul", inputs: ["n1", "qkv"], outputs: ["p"] }),
          node({
            op: "Split",
            inputs: ["p"],
            outputs: ["q", "k", "v"],
            attributes: { axis: int(2), num_outputs: int(3) },
          }),
          node({
            op: "Attention",
            inputs: ["q", "k", "v"],
            outputs: ["a"],
            attributes: { q_num_heads: int(heads), kv_num_heads: int(heads), is_causal: int(1) },
          }),
          node({ op: "MatMul", inputs: ["a", "out"], outputs: ["o"] }),
          node({ op: "Add", inputs: ["x", "o"], outputs: ["r"] }),
          node({ op: "LayerNormalization", inputs: ["r", "scale2"], outputs: ["n2"] }),
          node({ op: "MatMul", inputs: ["n2", "up"], outputs: ["u"] }),
          node({ op: "Gelu", inputs: ["u"], outputs: ["g"] }),
          node({ op: "MatMul", inputs: ["g", "down"], outputs: ["d"] }),
          node({ op: "Add", inputs: ["r", "d"], outputs: ["y"] }),
        ],
        initializers,
      },
      23,
    );
  return { name: `block of GPT-2, ${tokens} × ${width}, ${heads} heads`, model };
}

/** A network of the folder with one input and one output. */
async function fromFile(file: string): Promise<Case[]> {
  const path = `${folder}/${file}`;
  if (!existsSync(path)) {
    console.log(`skipped ${file}: not in ${folder}; name another folder as the first argument`);
    return [];
  }
  const model = await readModel(await readFile(path), { file });
  return [{ name: file, model: () => model, isSingle: true }];
}

interface Times {
  /** Milliseconds an image: in a batch of 32, and one alone. */
  readonly batch: Timing | undefined;
  readonly alone: Timing;
  /** Milliseconds a vector. */
  readonly J: Timing;
  readonly Jt: Timing;
}

async function timesOf({ model, isSingle = false }: Case, random: Rng): Promise<Times> {
  const backend = createBackend();
  try {
    const onnx = model(1);
    const { graph } = onnx;
    const [input, output] = [graph.inputs[0]!, graph.outputs[0]!];
    const network = new Network(await normalize(onnx, { evaluate: evaluateWith(backend) }), backend);
    const at = gaussianArray(random, sizeOf(network.input.shape));
    using J = await network.jacobian({ at, from: network.input, to: network.output });
    const blockOf = (shape: Shape) => J.algebra.upload(gaussianArray(random, ROWS * sizeOf(shape)), ROWS);
    const [v, u] = [blockOf(J.source), blockOf(J.target)];
    const [tangents, cotangents] = [u, v].map(({ rows, length }) => J.algebra.allocate(rows, length));
    const pass = async (batch: number) => {
      const one = batch === 1 ? onnx : model(batch);
      const shape = one.graph.inputs[0]!.shape as Shape;
      const executable = await backend.compile(one);
      const x = floatTensor(shape, gaussianArray(random, sizeOf(shape)));
      return () => executable.run({ [input.name]: x }, [output.name]);
    };
    const [alone, batch] = [await pass(1), isSingle ? undefined : await pass(ROWS)];
    const times = await interleaved(
      {
        batch: batch ?? (() => Promise.resolve()),
        alone,
        J: () => J.apply(v, { into: tangents! }),
        Jt: () => J.applyTranspose(u, { into: cotangents! }),
      },
      ROUNDS,
    );
    return {
      batch: batch && scaled(times.batch, 1 / ROWS),
      alone: times.alone,
      J: scaled(times.J, 1 / ROWS),
      Jt: scaled(times.Jt, 1 / ROWS),
    };
  } finally {
    await backend.dispose();
  }
}

const all: readonly Case[] = [
  recurrent("LSTM", 100, 64, 128),
  recurrent("LSTM", 16, 32, 32),
  recurrent("GRU", 100, 64, 128),
  recurrent("RNN", 100, 64, 128),
  attention("MultiHeadAttention of ONNX Runtime", [128, 512, 8], {
    op: "MultiHeadAttention",
    domain: "com.microsoft",
    attributes: { num_heads: int(8) },
  }),
  attention("Attention of ONNX Runtime, with projections", [128, 512, 8], {
    op: "Attention",
    domain: "com.microsoft",
    attributes: { num_heads: int(8) },
    weights: { W: [512, 1536], B: [1536] },
  }),
  attention("Attention", [128, 512, 8], {
    op: "Attention",
    attributes: { q_num_heads: int(8), kv_num_heads: int(8) },
  }),
  block(64, 768),
  ...(await fromFile("gpt2_sdpa_op23.fixed.onnx")),
];

const rows: (string | number)[][] = [];
const chosen = process.argv[3] === undefined ? all : all.filter(({ name }) => name.includes(process.argv[3]!));
console.log(`Blocks of ${ROWS}, median of ${ROUNDS} (range), ${cpus().length} × ${cpus()[0]?.model}`);
for (const one of chosen) {
  const { batch, alone, J, Jt } = await timesOf(one, createRng(0, one.name));
  const shown = (time: Timing | undefined) =>
    time === undefined ? "" : `${time.median.toFixed(3)} (${time.least.toFixed(3)} to ${time.most.toFixed(3)})`;
  const ratio = (time: Timing, pass: Timing | undefined) => (pass === undefined ? "" : time.median / pass.median);
  const row = [
    shown(batch),
    shown(alone),
    shown(J),
    ratio(J, batch),
    ratio(J, alone),
    shown(Jt),
    ratio(Jt, batch),
    ratio(Jt, alone),
  ];
  console.log(one.name, row.map((cell) => (typeof cell === "number" ? cell.toFixed(2) : cell)).join(" | "));
  rows.push([one.name, ...row]);
}

if (chosen.length === all.length && all.some(({ isSingle }) => isSingle)) {
  writeResult("recurrent", "npm run bench:recurrent", [
    {
      title: "Recurrent layers and attention",
      note:
        `Milliseconds an input or a vector, in blocks of ${ROWS}: median of ${ROUNDS} rounds, in which all take turns (range). ` +
        `The forward pass is that of ONNX Runtime's own kernel, of ${ROWS} inputs in a batch (per input) or of one alone.`,
      columns: [
        "network",
        "in a batch",
        "alone",
        "J",
        "J / in a batch",
        "J / alone",
        "Jᵀ",
        "Jᵀ / in a batch",
        "Jᵀ / alone",
      ],
      rows,
    },
  ]);
}
