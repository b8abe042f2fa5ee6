import { nodesBetween } from "../autodiff/index.ts";
import { Network, type Point, type Tap } from "../jacobian/index.ts";
import { type Model, type Node, type OnnxModel, readsOf, type Tensor } from "../onnx/index.ts";
import { evaluateWith } from "../runtime/index.ts";
import { checkTap, type TapCheck } from "./check-tap.ts";
import { differencesAt } from "./differences.ts";
import { partOf } from "./part.ts";

/** A part of a network that fails a check by itself. */
export interface FailingPart {
  readonly model: OnnxModel;
  /** Its operators, in order. */
  readonly ops: readonly string[];
  /** The values of its inputs at the point, in the order of its inputs. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** How many taps before a failing one are tried as the source of the failing part. */
const MOST_SOURCES = 40;

interface Where {
  readonly from: Tap;
  readonly point: Point;
  readonly seed: number;
}

/**
 * The smallest part of a network that fails like a tap: one node if one alone fails, otherwise what lies between the nearest tap before it and
 * the tap. `undefined` if no part fails by itself.
 */
export async function failingPart(network: Network, check: TapCheck, where: Where): Promise<FailingPart | undefined> {
  const { model } = network;
  const { tap, finding } = check;
  const { from } = where;
  const nodes = nodesBetween(model, { sources: [from.tensor], targets: [tap.tensor] });
  if (finding === "no rule") {
    const [first] = network.unsupported(from, tap);
    const node = model.onnx.graph.nodes.find(({ name }) => name === first?.node);
    return node && finished(network, [node], node.outputs[0]!, where);
  }
  if (finding !== "wrong" && finding !== "not adjoint" && finding !== "failed") return undefined;
  const moving = new Set([from.tensor, ...nodes.flatMap(({ outputs }) => outputs)]);
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (model.values.get(output)?.type !== "float32") continue;
      const part = partOf(model, [node], output);
      const sources = readsOf(node).filter((name) => moving.has(name));
      if (await fails(network, part, sources, output, where)) return finished(network, [node], output, where);
    }
  }
  const before = network.taps.slice(0, network.taps.indexOf(tap)).filter(({ tensor }) => moving.has(tensor));
  for (const source of before.slice(-MOST_SOURCES).reverse()) {
    const between = nodesBetween(model, { sources: [source.tensor], targets: [tap.tensor] });
    if (between.length === 0) continue;
    const part = partOf(model, between, tap.tensor);
    if (await fails(network, part, [source.tensor], tap.tensor, where)) {
      return finished(network, between, tap.tensor, where);
    }
  }
  return undefined;
}

/** Whether a part fails by itself, as a network of its own whose inputs have the values of the point. */
async function fails(
  network: Network,
  part: Model,
  sources: readonly string[],
  target: string,
  where: Where,
): Promise<boolean> {
  const own = new Network(part, network.backend);
  try {
    const inputs = await valuesAt(network, part, where.point);
    const point = Object.fromEntries(
      [...inputs].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]),
    );
    for (const source of sources) {
      const [from, to] = [own.tap(source), own.tap(target)];
      if (!own.isFloat(from) || !own.moves(from, to)) continue;
      const differences = await differencesAt(own, from, [to], point, where.seed);
      const { finding, kinks = [] } = await checkTap(own, to, differences, {
        from,
        point,
        seed: where.seed,
        isTimed: false,
      });
      if (finding === "not adjoint" || finding === "failed" || (finding === "wrong" && kinks.length === 0)) return true;
    }
    return false;
  } finally {
    await own.forget();
  }
}

/** The values of the inputs of a part, at a point of the whole network. */
async function valuesAt(network: Network, part: Model, point: Point): Promise<Map<string, Tensor>> {
  const { model, backend } = network;
  const { graph } = model.onnx;
  const names = part.onnx.graph.inputs.map(({ name }) => name);
  const feeds = network.feeds(point, names);
  const computed = names.filter((name) => feeds[name] === undefined);
  const outputs = computed.map((name) => ({ name, ...model.values.get(name)! }));
  const found =
    computed.length === 0
      ? new Map<string, Tensor>()
      : await evaluateWith(backend)(
          { ...model.onnx, graph: { ...graph, outputs } },
          new Map(Object.entries(feeds)),
          computed,
        );
  return new Map(names.map((name) => [name, feeds[name] ?? found.get(name)!]));
}

async function finished(
  network: Network,
  nodes: readonly Node[],
  target: string,
  { point }: Where,
): Promise<FailingPart> {
  const part = partOf(network.model, nodes, target);
  return {
    model: part.onnx,
    ops: nodes.map(({ op }) => op),
    inputs: await valuesAt(network, part, point),
  };
}
