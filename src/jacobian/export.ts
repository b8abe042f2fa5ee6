import { appendProduct, type Linearization, productGraph } from "../autodiff/index.ts";
import { formatShape, PushforwardError } from "../base/index.ts";
import {
  allNames,
  buildModel,
  type FileDescription,
  freshName,
  type Graph,
  node,
  type OnnxModel,
  renameTensors,
  type Tensor,
  type ValueInfo,
} from "../onnx/index.ts";
import { evaluateWith } from "../runtime/index.ts";
import type { Point } from "./feed.ts";
import { linearizeBetween } from "./linearize-between.ts";
import type { Network } from "./network.ts";
import { holding, passInFloat64, passOf, passOutputs } from "./pass.ts";
import { sameTap } from "./same-tap.ts";
import type { Tap } from "./taps.ts";

/** `jvp` is J·v, `vjp` is Jᵀ·u, and `linear` is the pass at a point: the value of the target, and what J and Jᵀ keep of it. */
export type DerivativeKind = "jvp" | "vjp" | "linear";

export interface ExportOptions {
  readonly kind: DerivativeKind;
  /** Source tap, or its name; the network's input unless given. */
  readonly from?: string | Tap;
  /** Target tap, or its name; the network's output unless given. */
  readonly to?: string | Tap;
  /** Of `jvp` and `vjp`: the graph takes the network's inputs, computes the pass itself, and gives the value of the target as well. */
  readonly withPrimal?: boolean;
  /** Of `jvp` and `vjp`: the point of J, whose kept values become constants of the graph. */
  readonly at?: Point;
  /** The pass in the graph is computed in float64, as this library computes its own; in float32 unless given. */
  readonly float64?: boolean;
}

/** A derivative as an ONNX model, with the text and the metadata for its file. */
export interface ExportedDerivative {
  readonly model: OnnxModel;
  readonly about: FileDescription;
}

type Options = Required<Omit<ExportOptions, "at" | "from" | "to">> & {
  readonly from: Tap;
  readonly to: Tap;
  readonly at: Point | undefined;
};

/**
 * J(from → to) as a graph that any ONNX runtime can run.
 *
 * Shapes: `jvp` takes `tangent` [K, ...source] and gives `jvp` [K, ...target]; `vjp` takes `cotangent` [K, ...target] and gives `vjp`
 * [K, ...source]. K is open, and a batch axis of 1 is left out. What J keeps of the pass are inputs named `kept/NODE`, which the graph
 * of `linear` gives as outputs of the same names; with `withPrimal` they are computed inside, and with `at` they are constants.
 *
 * @throws PushforwardError `usage` for options that do not go together, and for a source that holds no floats; `tap-unknown`, also if `to`
 * does not follow `from`; `op-unsupported` naming all nodes without a rule, and for a network whose structure values decide, unless a point is given; what
 * `Network.feeds` throws for the point
 */
export async function exportDerivative(given: Network, options: ExportOptions): Promise<ExportedDerivative> {
  const network = await networkFor(given, options.at);
  const { kind, from = network.source, to = network.output, withPrimal = false, at, float64 = false } = options;
  const tapOf = (tap: string | Tap) => {
    if (network !== given) return sameTap(tap, given, network, placeOf(given));
    return typeof tap === "string" ? network.tap(tap) : tap;
  };
  const asked = { kind, from: tapOf(from), to: tapOf(to), withPrimal, at, float64 };
  requireTogether(asked);
  network.requireFloats(asked.from);
  const linearization = await linearizeBetween(network.model, asked, evaluateWith(network.backend), placeOf(network));
  return { model: await modelOf(network, linearization, asked), about: describe(network, asked) };
}

const placeOf = ({ file }: Network) => (file === "" ? {} : { file });

/** The network at the point of the derivative; without a point, the network if it is the same graph at every point. */
async function networkFor(network: Network, at: Point | undefined): Promise<Network> {
  if (at !== undefined) return network.at(at);
  const [decision] = network.model.structure?.decisions ?? [];
  if (decision === undefined) return network;
  throw new PushforwardError("op-unsupported", {
    what: "Values of the inputs decide what the network computes, so that its derivative is not one graph at all points.",
    where: { ...placeOf(network), node: decision.node, op: decision.op },
    fix: "Export the derivative at one point: --at FILE (in the library: at).",
  });
}

function requireTogether({ kind, withPrimal, at }: Options): void {
  if (withPrimal && at !== undefined) {
    throw new PushforwardError("usage", {
      what: "The values that J keeps are either constants of one point or computed in the graph.",
      fix: "Leave out one of --at and --with-primal (in the library: at and withPrimal).",
    });
  }
  if (kind !== "linear" || (!withPrimal && at === undefined)) return;
  throw new PushforwardError("usage", {
    what: "The pass itself is asked for, which computes what J keeps at any point.",
    fix: "Leave out --at and --with-primal, or ask for --jvp or --vjp.",
  });
}

async function modelOf(network: Network, linearization: Linearization, options: Options): Promise<OnnxModel> {
  const { kind, to, withPrimal, at } = options;
  const { model } = network;
  const pass = () => exportedPass(network, linearization, options);
  if (kind === "linear") return buildModel(named(pass(), keptNames(linearization)), model.onnx.opsets);
  if (withPrimal) return buildModel(appendProduct(linearization, kind, pass(), [to.tensor]).graph, model.onnx.opsets);
  const point = at === undefined ? new Map<string, Tensor>() : await keptAt(network, linearization, to, at);
  const { graph } = productGraph(linearization, kind, new Map([...linearization.constants, ...point]));
  const names = keptNames(linearization);
  return buildModel(renameTensors(graph, (name) => names.get(name) ?? name));
}

/** The pass that computes the value of the target and the kept values. Inputs that are held at a value are constants of it. */
function exportedPass({ model }: Network, linearization: Linearization, { to, float64 }: Options): Graph {
  const { value, kept } = passOutputs(model, linearization, to);
  const pass = holding(model, passOf(linearization, [value, ...kept]));
  return float64 ? passInFloat64(linearization, pass) : pass;
}

/** The kept values at a point, from the pass in float64. */
async function keptAt(
  network: Network,
  linearization: Linearization,
  to: Tap,
  at: Point,
): Promise<ReadonlyMap<string, Tensor>> {
  const { kept } = passOutputs(network.model, linearization, to);
  if (kept.length === 0) return new Map();
  const pass = passInFloat64(linearization, holding(network.model, passOf(linearization, kept)));
  const feeds = network.feeds(at, [to.tensor]);
  const read = new Map(pass.inputs.map(({ name }) => [name, feeds[name]!]));
  const names = kept.map(({ name }) => name);
  return evaluateWith(network.backend)(buildModel(pass, network.model.onnx.opsets), read, names);
}

/**
 * What kept values are called in files: `kept/NODE` by the first output of their node, with a number if it keeps several; `kept/joined`
 * where the values of several nodes are multiplied into one.
 */
function keptNames({ kept, primal }: Linearization): ReadonlyMap<string, string> {
  const taken = allNames(primal.graph);
  return new Map(kept.map(({ name, of }) => [name, freshName(taken, `kept/${of ?? "joined"}`)]));
}

/** The pass whose outputs for kept values have other names. Its first output is the value of the target, which may be kept as well. */
function named(pass: Graph, names: ReadonlyMap<string, string>): Graph {
  const [value, ...kept] = pass.outputs as [ValueInfo, ...ValueInfo[]];
  const outputs = kept.map((output) => ({ ...output, name: names.get(output.name)! }));
  const copies = kept.map(({ name }) => node({ op: "Identity", inputs: [name], outputs: [names.get(name)!] }));
  return { ...pass, name: "linear", nodes: [...pass.nodes, ...copies], outputs: [value, ...outputs] };
}

function describe(network: Network, { kind, from, to, withPrimal, at, float64 }: Options): FileDescription {
  const [source, target] = [from.shape, to.shape];
  const ends = `J is the Jacobian from ${from.name} (${formatShape(source)}) to ${to.name} (${formatShape(target)}).`;
  const kept = withPrimal ? "computed" : at === undefined ? "inputs" : "constants";
  const says = {
    jvp: "jvp = J·v for K tangents v, the rows of tangent.",
    vjp: "vjp = Jᵀ·u for K cotangents u, the rows of cotangent.",
    linear: "The value of the target, and the values that J and its transpose keep of this point.",
  };
  const metadata = {
    kind,
    from: from.name,
    to: to.name,
    source_shape: JSON.stringify(source),
    target_shape: JSON.stringify(target),
    kept: kind === "linear" ? "outputs" : kept,
    ...(kind === "linear" || withPrimal ? { pass: float64 ? "float64" : "float32" } : {}),
    ...(network.identity.sha256 === "" ? {} : { model_sha256: network.identity.sha256 }),
  };
  return {
    text: `${says[kind]} ${ends}`,
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`pushforward.${key}`, value])),
  };
}
