import { createRng, type Rng, type Shape, sizeOf } from "../../base/index.ts";
import { floatTensor, int, intTensor } from "../build.ts";
import type { Node, Tensor } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { dataTypes } from "../tensor-types.ts";

/**
 * Random numbers are drawn once, when a graph is opened, and are constants from then on: every pass sees the same draw, and derivatives
 * hold it fixed. The seed of the node and its name determine the draw. ONNX Runtime draws other numbers from the same seed.
 */
function drawn(node: Node, to: Rewrite, shape: Shape, entry: (rng: Rng) => number): Tensor {
  const rng = createRng("draw", to.attributes.float("seed", 0), node.name);
  return floatTensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => entry(rng)),
  );
}

/** A number from [0, 1) that float32 holds. */
const unit = (rng: Rng): number => Math.floor(rng.uniform() * 2 ** 24) / 2 ** 24;

/** The type that the node states, or else float32: every type of floats is float32 by now. */
const typeCode = (to: Rewrite): number => to.attributes.int("dtype", dataTypes.float32.code);

/** A draw as the node's output; of the shape that an attribute states, or of the first input. */
function draws(attributes: readonly string[], like: boolean, entryOf: (to: Rewrite) => (rng: Rng) => number) {
  const rewriting: OperatorRewriting = {
    attributes: [...attributes, "dtype", "seed", ...(like ? [] : ["shape"])],
    looksAt: like ? [0] : [],
    rewrite(node, to) {
      const shape = like ? to.shape(node.inputs[0] ?? "") : to.attributes.ints("shape");
      if (shape === undefined) return node;
      return standard(node, "Identity", [to.constant("draw", drawn(node, to, shape, entryOf(to)))]);
    },
  };
  return rewriting;
}

function normal(to: Rewrite): (rng: Rng) => number {
  const [mean, scale] = [to.attributes.float("mean", 0), to.attributes.float("scale", 1)];
  return (rng) => mean + scale * rng.gaussian();
}

function uniform(to: Rewrite): (rng: Rng) => number {
  const [low, high] = [to.attributes.float("low", 0), to.attributes.float("high", 1)];
  return (rng) => low + (high - low) * unit(rng);
}

/** 1 where a number drawn from [0, 1) is below the probability x: constant in x, but for jumps. */
const bernoulli: OperatorRewriting = {
  attributes: ["dtype", "seed"],
  looksAt: [0],
  rewrite(node, to) {
    const [x = ""] = node.inputs;
    const shape = to.shape(x);
    if (shape === undefined) return node;
    const draw = to.constant("draw", drawn(node, to, shape, unit));
    return standard(node, "Cast", [to.add("Less", [draw, x])], { to: int(typeCode(to)) });
  },
};

/** The number of classes whose probabilities together are at most a number drawn from [0, 1). x holds the logarithms of probabilities. */
const multinomial: OperatorRewriting = {
  attributes: ["dtype", "sample_size", "seed"],
  looksAt: [0],
  rewrite(node, to) {
    const [x = ""] = node.inputs;
    const [rows, classes] = to.shape(x) ?? [];
    if (rows === undefined || classes === undefined) return node;
    const draw = drawn(node, to, [rows, to.attributes.int("sample_size", 1), 1], unit);
    const shares = to.add("Softmax", [x], { axis: int(1) });
    const sums = to.add("CumSum", [shares, to.constant("axis", intTensor([1], []))]);
    const places = to.add("Reshape", [sums, to.constant("places", intTensor([rows, 1, classes]))]);
    const passed = to.add("GreaterOrEqual", [to.constant("draw", draw), places]);
    const numbers = to.add("Cast", [passed], { to: int(dataTypes.float32.code) });
    const count = to.add("ReduceSum", [numbers, to.constant("axes", intTensor([2]))], { keepdims: int(0) });
    // The last sum may be less than 1 by rounding.
    const within = to.add("Min", [count, to.constant("last", floatTensor([], [classes - 1]))]);
    return standard(node, "Cast", [within], { to: int(to.attributes.int("dtype", dataTypes.int32.code)) });
  },
};

/** Operators that draw random numbers. */
export const randomDraws: Readonly<Record<string, OperatorRewriting>> = {
  Bernoulli: bernoulli,
  Multinomial: multinomial,
  RandomNormal: draws(["mean", "scale"], false, normal),
  RandomNormalLike: draws(["mean", "scale"], true, normal),
  RandomUniform: draws(["high", "low"], false, uniform),
  RandomUniformLike: draws(["high", "low"], true, uniform),
};
