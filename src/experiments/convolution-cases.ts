import { createRng, gaussianArray } from "../base/index.ts";
import { openGraph } from "../jacobian/index.ts";
import {
  buildModel,
  floatTensor,
  int,
  ints,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  valueInfo,
} from "../onnx/index.ts";
import type { ChartSeries } from "../results/index.ts";
import { circularConvolution, jacobiSvd, type Kernel, paddedConvolution } from "../theory/index.ts";
import { single } from "./estimates.ts";
import type { Case } from "./experiment.ts";

/** The largest error of a σ, relative to σ₁. */
const ERROR = 1e-5;

interface Convolution {
  readonly outputs: number;
  readonly inputs: number;
  /** [height, width] of the kernel and of the picture. */
  readonly kernel: readonly [number, number];
  readonly picture: readonly [number, number];
}

const convolutions: readonly Convolution[] = [
  { outputs: 3, inputs: 2, kernel: [3, 3], picture: [10, 12] },
  { outputs: 2, inputs: 4, kernel: [5, 3], picture: [9, 8] },
];

/** Convolutions of several channels, at whose edges the picture goes round or zeros stand. */
export const convolutionCases = (): Case[] =>
  convolutions.flatMap((convolution) => [
    convolutionCase(convolution, "circular"),
    convolutionCase(convolution, "padded"),
  ]);

function convolutionCase(convolution: Convolution, edges: "circular" | "padded"): Case {
  const { outputs, inputs, kernel, picture } = convolution;
  const [height, width] = picture;
  const shape = [outputs, inputs, ...kernel] as const;
  const quantity = "largest error of σ / σ₁";
  return {
    setting: { matrix: `${edges} convolution ${inputs}→${outputs}, ${kernel.join("×")} on ${picture.join("×")}` },
    seconds: 1,
    predict: () => ({
      [quantity]: {
        predicted: 0,
        precision: { absolute: ERROR },
        source: edges === "circular" ? "Sedghi, Gupta & Long 2019" : "dense float64 SVD by Jacobi rotations",
      },
    }),
    async measure({ backend, seed, proceed }) {
      proceed(edges);
      const data = gaussianArray(
        createRng(seed, "convolution", edges, ...shape),
        outputs * inputs * kernel[0] * kernel[1],
      );
      const expected = sigmaOf({ shape, data }, picture, edges);
      const network = await openGraph(graphOf(convolution, data, edges), backend);
      using J = await network.jacobian({ at: new Float32Array(inputs * height * width) });
      const { sigma } = await J.svd({ k: expected.length });
      await network.forget();
      const errors = sigma.map((one, i) => Math.abs(one - expected[i]!) / expected[0]!);
      return { numbers: { [quantity]: single(Math.max(...errors)) }, curves: curvesOf(sigma, expected) };
    },
  };
}

function sigmaOf(
  kernel: Kernel,
  [height, width]: readonly [number, number],
  edges: "circular" | "padded",
): Float64Array {
  if (edges === "circular") return circularConvolution(kernel, height, width);
  const [outputs, inputs] = kernel.shape;
  const area = height * width;
  return jacobiSvd(paddedConvolution(kernel, height, width), outputs * area, inputs * area).sigma;
}

/** A convolution; for circular edges, rows and columns from the other side are joined to the picture before. */
function graphOf({ outputs, inputs, kernel, picture }: Convolution, weights: Float32Array, edges: string): OnnxModel {
  const margins = kernel.map((extent) => (extent - 1) / 2);
  const nodes: Node[] = [];
  const constants = new Map([["weights", floatTensor([outputs, inputs, ...kernel], weights)]]);
  let last = "input";
  if (edges === "circular") {
    for (const [axis, margin] of margins.entries()) {
      const extent = picture[axis]!;
      const piece = (name: string, from: number, to: number): string => {
        const bounds = { from: [from], to: [to], axes: [axis + 2] };
        for (const [key, values] of Object.entries(bounds)) constants.set(`${name}.${key}`, intTensor(values));
        nodes.push(
          node({ op: "Slice", inputs: [last, ...Object.keys(bounds).map((key) => `${name}.${key}`)], outputs: [name] }),
        );
        return name;
      };
      const parts = [piece(`end${axis}`, extent - margin, extent), last, piece(`start${axis}`, 0, margin)];
      nodes.push(node({ op: "Concat", inputs: parts, outputs: [`round${axis}`], attributes: { axis: int(axis + 2) } }));
      last = `round${axis}`;
    }
  }
  const pads = edges === "circular" ? [0, 0, 0, 0] : [...margins, ...margins];
  nodes.push(node({ op: "Conv", inputs: [last, "weights"], outputs: ["output"], attributes: { pads: ints(pads) } }));
  return buildModel({
    inputs: [valueInfo("input", "float32", [1, inputs, ...picture])],
    outputs: [valueInfo("output", "float32", [1, outputs, ...picture])],
    nodes,
    initializers: constants,
  });
}

function curvesOf(sigma: Float64Array, expected: Float64Array): ChartSeries[] {
  const points = (values: Float64Array, step: number) =>
    Array.from(values, (y, i) => ({ x: 1 - (i + 0.5) / values.length, y })).filter((_, i) => i % step === 0);
  return [
    { name: "predicted", mark: "line", points: points(expected, 1) },
    { name: "measured", mark: "dots", points: points(sigma, Math.ceil(sigma.length / 25)) },
  ];
}
