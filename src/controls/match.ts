import { PushforwardError } from "../base/index.ts";
import { Network, type Point } from "../jacobian/index.ts";
import type { Model } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { WeightLayer } from "./layers.ts";
import { type Products, withProducts } from "./products.ts";
import { compileSegments } from "./segments.ts";
import { Squares } from "./squares.ts";
import { type Feeds, type Match, requireFinite, sweep } from "./sweep.ts";
import { TiedGains } from "./tied.ts";
import { weightsOf } from "./weights.ts";

interface MatchOptions {
  readonly points: readonly Point[];
  readonly backend: Backend;
}

/**
 * The gain of each layer of a control, by which its output (bias aside) has the root mean square over all points of that in
 * the trained network. The gains are found in graph order, because each depends on the layers before: the product of a layer is
 * computed, multiplied by its gain, and handed on. So one run of the graph at each point finds all of them.
 *
 * Weights by which several nodes multiply have one gain. It sets the root mean square of the outputs of all of these nodes together,
 * and is found by repeated runs, because their inputs may depend on it.
 *
 * @throws PushforwardError `usage` without points, or if the gain of tied weights is not found; `op-unsupported` as `withProducts`;
 * `not-finite` if an output is not finite
 */
export async function match(
  trained: Model,
  control: Model,
  layers: readonly WeightLayer[],
  { points, backend }: MatchOptions,
): Promise<Map<WeightLayer, Match>> {
  if (points.length === 0) {
    throw new PushforwardError("usage", {
      what: "Controls of the kind matched need inputs of the network, over which their activations are compared.",
      fix: "Give at least one input, or choose another kind of control.",
    });
  }
  const network = new Network(trained, backend);
  const feeds = points.map((point) => network.feeds(point));
  const wanted = await squaresOf(trained, withProducts(trained, layers), feeds, backend);
  const segments = await compileSegments(control, withProducts(control, layers), backend);
  try {
    const tied = new TiedGains(layers.filter(({ uses }) => uses.length > 1));
    const largest = largestWeights(control, layers);
    for (;;) {
      const found = await sweep(segments, { feeds, wanted, tried: (layer) => tied.gainOf(layer), largest });
      if (tied.settle(found)) return found;
    }
  } finally {
    for (const { executable } of segments) await executable.release();
  }
}

/** The squares of each product at all points, by the name of its node. */
async function squaresOf(
  model: Model,
  { graph, products }: Products,
  feeds: readonly Feeds[],
  backend: Backend,
): Promise<Map<string, Squares>> {
  const names = products.map(({ tensor }) => tensor);
  const outputs = names.map((name) => ({ name, type: "float32" as const, shape: undefined }));
  const executable = await backend.compile({ ...model.onnx, graph: { ...graph, outputs } });
  const squares = new Map(products.map(({ node }) => [node, new Squares()]));
  try {
    for (const fed of feeds) {
      const values = await executable.run(fed, names);
      for (const { node, tensor } of products) squares.get(node)!.add(values[tensor]!.data as Float32Array);
    }
  } finally {
    await executable.release();
  }
  for (const product of products) requireFinite(product, squares.get(product.node)!, "trained network");
  return squares;
}

/** The largest magnitude of the weights of each layer. */
const largestWeights = (model: Model, layers: readonly WeightLayer[]): Map<WeightLayer, number> =>
  new Map(
    [...weightsOf(model, layers)].map(([layer, weights]) => [
      layer,
      weights.reduce((a, b) => Math.max(a, Math.abs(b)), 0),
    ]),
  );
