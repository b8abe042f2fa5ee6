import { type Array64, array, at, build, flat, indicesOf, type ReferenceOp, type ReferenceOps } from "../tensor.ts";

const likelihood = (
  x: Array64,
  target: Array64,
  weight: Array64 | undefined,
  attributes: Parameters<ReferenceOp>[1],
) => {
  const ignored = attributes.has("ignore_index") ? attributes.int("ignore_index", 0) : undefined;
  const weightAt = (place: number) => {
    const own = target.data[place]!;
    return own === ignored ? 0 : (weight?.data[own] ?? 1);
  };
  const losses = indicesOf(target.shape).map(([n, ...rest], place) =>
    weightAt(place) === 0 ? 0 : -at(x, [n!, target.data[place]!, ...rest]) * weightAt(place),
  );
  const total = losses.reduce((sum, value) => sum + value, 0);
  const share = losses.reduce((sum, _, place) => sum + weightAt(place), 0);
  switch (attributes.text("reduction", "mean")) {
    case "none":
      return array(target.shape, losses);
    case "sum":
      return array([], [total]);
    default:
      return array([], [total / share]);
  }
};

const logSoftmax = (x: Array64): Array64 =>
  build(x.shape, (index) => {
    const scores = Array.from({ length: x.shape[1]! }, (_, c) => x.data[flat(index.with(1, c), x.shape)]!);
    return at(x, index) - Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
  });

/** The tensors of parameter i of an optimizer: R, T, then one list after the other. */
const optimizer =
  (
    lists: number,
    step: (r: number, t: number, of: readonly number[], attributes: Parameters<ReferenceOp>[1]) => number[],
  ): ReferenceOp =>
  (inputs, attributes) => {
    const [rate, count, ...tensors] = inputs as Array64[];
    const parameters = tensors.length / lists;
    const results: Array64[][] = [];
    for (let i = 0; i < parameters; i++) {
      const of = Array.from({ length: lists }, (_, list) => tensors[list * parameters + i]!);
      const entries = [...of[0]!.data.keys()].map((place) =>
        step(
          rate!.data[0]!,
          count!.data[0]!,
          of.map((x) => x.data[place]!),
          attributes,
        ),
      );
      results.push(
        entries[0]!.map((_, out) =>
          array(
            of[0]!.shape,
            entries.map((entry) => entry[out]!),
          ),
        ),
      );
    }
    return results[0]!.flatMap((_, out) => results.map((own) => own[out]!));
  };

/** Losses and optimizers. */
export const loss: ReferenceOps = {
  NegativeLogLikelihoodLoss: ([x, target, weight], attributes) => likelihood(x!, target!, weight, attributes),
  SoftmaxCrossEntropyLoss: ([x, target, weight], attributes) => {
    const logs = logSoftmax(x!);
    return [likelihood(logs, target!, weight, attributes), logs];
  },
  "ai.onnx.preview.training:Adagrad": optimizer(3, (r, t, [x, g, h], attributes) => {
    const gradient = attributes.float("norm_coefficient", 0) * x! + g!;
    const squares = h! + gradient ** 2;
    const rate = r / (1 + t * attributes.float("decay_factor", 0));
    return [x! - (rate * gradient) / (Math.sqrt(squares) + attributes.float("epsilon", 1e-6)), squares];
  }),
  "ai.onnx.preview.training:Adam": optimizer(4, (r, t, [x, g, v, h], attributes) => {
    const [alpha, beta] = [attributes.float("alpha", 0.9), attributes.float("beta", 0.999)];
    const gradient = attributes.float("norm_coefficient", 0) * x! + g!;
    const means = alpha * v! + (1 - alpha) * gradient;
    const squares = beta * h! + (1 - beta) * gradient ** 2;
    const rate = t > 0 ? (r * Math.sqrt(1 - beta ** t)) / (1 - alpha ** t) : r;
    const next = x! - (rate * means) / (Math.sqrt(squares) + attributes.float("epsilon", 1e-6));
    return [(1 - attributes.float("norm_coefficient_post", 0)) * next, means, squares];
  }),
  "ai.onnx.preview.training:Momentum": optimizer(3, (r, t, [x, g, v], attributes) => {
    const alpha = attributes.float("alpha", 0);
    const gradient = attributes.float("norm_coefficient", 0) * x! + g!;
    const velocity = alpha * v! + (t > 0 ? attributes.float("beta", 0) : 1) * gradient;
    const step = attributes.text("mode", "standard") === "nesterov" ? gradient + alpha * velocity : velocity;
    return [x! - r * step, velocity];
  }),
};
