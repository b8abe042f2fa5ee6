import { isOfDerivative, operatorOf } from "../autodiff/index.ts";
import { nearestNames, PushforwardError, type Shape, withoutBatch } from "../base/index.ts";
import { type Model, type Node, readsOf } from "../onnx/index.ts";
import { inputsOf } from "./feed.ts";
import { type Part, partOf, splitIndices } from "./part.ts";
import { tapNames } from "./tap-names.ts";

/** A named tensor of the graph that a Jacobian can start from or lead to. */
export interface Tap {
  /** A short, unique name: that of the tensor if it is short, otherwise one like `conv1`. */
  readonly name: string;
  readonly tensor: string;
  /** The operator that computes it; `Input` for an input of the graph. */
  readonly op: string;
  readonly node: string;
  /** The shape, or that of the entries selected, without a batch axis of 1. */
  readonly shape: Shape;
  /** Whether every path from the input to the outputs passes through it. */
  readonly cut: boolean;
  /** The entries that it consists of, if it is not the whole tensor. */
  readonly part?: Part;
}

/**
 * Every tap of a model in graph order, the inputs first: the one that pictures go to (`main`), and all that hold floats in the file. If
 * the main input holds no floats, the tensors in which floats begin are taps too. In the graph of a derivative, what the derivative keeps
 * is no tap. A cut is one of the paths from the main input.
 */
export function findTaps(model: Model, main: string | undefined): Tap[] {
  const { graph } = model.onnx;
  const isFloat = (name: string) => model.values.get(name)?.type === "float32";
  const inFile = new Map(inputsOf(model).map(({ name, type }) => [name, type]));
  const inputs = graph.inputs.filter(({ name }) => name === main || /float/.test(inFile.get(name)!));
  const varying = new Set(inputs.map(({ name }) => name));
  const behindFloats = new Set([...varying].filter(isFloat));
  const first = new Set<Node>();
  const nodes = graph.nodes.filter((node) => {
    const reads = readsOf(node);
    const varies = reads.some((name) => varying.has(name));
    const begins = varies && !reads.some((name) => behindFloats.has(name));
    if (begins) first.add(node);
    for (const output of varies ? node.outputs : []) {
      varying.add(output);
      if (!begins || isFloat(output)) behindFloats.add(output);
    }
    return varies;
  });
  const isCut = cutTest(
    main === undefined ? [...varying] : [main],
    nodes,
    graph.outputs.map(({ name }) => name),
  );
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const found: Unnamed[] = [
    ...inputs.map(({ name }) => ({ tensor: name, op: "Input", node: "", stem: "input" })),
    ...nodes.flatMap((node) =>
      node.outputs
        .filter((output) => output !== "" && isFloat(output) && !isOfDerivative(output))
        .filter((output) => node.step?.isOutput ?? (!rearranges(node) || outputs.has(output) || first.has(node)))
        .map((output) => {
          const op = node.step?.of ?? node.op;
          const own = node.step === undefined ? operatorOf(node)?.tapName : undefined;
          return { tensor: output, op, node: node.name, stem: own ?? op.toLowerCase() };
        }),
    ),
  ];
  const results = resultsOf(model, found);
  const ends = new Set([...outputs, ...inputs.map(({ name }) => name)]);
  const names = tapNames(
    found.map(({ tensor, stem }) => ({
      ...{ tensor, stem, module: model.modules?.get(tensor) },
      ...{ isEnd: ends.has(tensor), isResult: results.has(tensor) },
    })),
  );
  return found.map(({ tensor, op, node }, i): Tap => {
    const shape = withoutBatch(model.values.get(tensor)!.shape);
    return { name: names[i]!, tensor, op, node, shape, cut: isCut(tensor) };
  });
}

type Unnamed = Pick<Tap, "tensor" | "op" | "node"> & { readonly stem: string };

/** The taps that are results of their modules: the only one that is read outside of it, or the only one. */
function resultsOf({ onnx: { graph }, modules = new Map() }: Model, taps: readonly Unnamed[]): Set<string> {
  const readOutside = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    const reader = modules.get(node.outputs[0] ?? "");
    for (const name of readsOf(node)) {
      const module = modules.get(name);
      const isWithin = module !== undefined && (reader === module || reader?.startsWith(`${module}.`) === true);
      if (!isWithin) readOutside.add(name);
    }
  }
  const byModule = new Map<string, string[]>();
  for (const { tensor } of taps) {
    const module = modules.get(tensor);
    if (module !== undefined) byModule.set(module, [...(byModule.get(module) ?? []), tensor]);
  }
  return new Set(
    [...byModule.values()].flatMap((tensors) => {
      const outside = tensors.filter((tensor) => readOutside.has(tensor));
      const [result] = outside.length === 0 ? tensors : outside;
      return outside.length === 1 || tensors.length === 1 ? [result!] : [];
    }),
  );
}

const rearranges = (node: Node): boolean => operatorOf(node)?.rearranges === true;

/** Tests whether all paths from the inputs to the outputs pass through a tensor: without it, no output can be reached. */
function cutTest(inputs: readonly string[], nodes: readonly Node[], outputs: readonly string[]) {
  const steps = nodes.map((node) => ({ reads: readsOf(node), outputs: node.outputs }));
  return (tensor: string): boolean => {
    const reached = new Set(inputs.filter((input) => input !== tensor));
    for (const step of steps) {
      if (!step.reads.some((name) => reached.has(name))) continue;
      for (const output of step.outputs) if (output !== tensor) reached.add(output);
    }
    return !outputs.some((output) => reached.has(output));
  };
}

/** Where a name is looked up: the main input of the network, and the file. */
interface Place {
  readonly main: string | undefined;
  readonly file?: string;
}

/**
 * The tap of this name: a short name, `input` for the main input, or the name of any float32 tensor or node. Indices after it select
 * some of its entries: `block4.out[0,7]`.
 *
 * @throws PushforwardError `tap-unknown` with the nearest names; errors of `partOf`
 */
export function resolveTap(model: Model, taps: readonly Tap[], name: string, place: Place): Tap {
  const split = splitIndices(name);
  const known = findTap(model, taps, name, place);
  if (known !== undefined) return known;
  const whole = split && findTap(model, taps, split.name, place);
  if (whole === undefined) throw unknownTap(taps, split?.name ?? name, place);
  const part = partOf(model.values.get(whole.tensor)!.shape, split!.indices, whole.name);
  return { ...whole, name: `${whole.name}${part.text}`, shape: withoutBatch(part.shape), cut: false, part };
}

function findTap(model: Model, taps: readonly Tap[], name: string, { main }: Place): Tap | undefined {
  const known =
    taps.find((tap) => tap.name === name) ??
    taps.find((tap) => tap.tensor === name) ??
    taps.find((tap) => tap.node === name) ??
    (name === "input" ? taps.find(({ tensor }) => tensor === main) : undefined);
  if (known) return known;
  const node = model.onnx.graph.nodes.find((candidate) => candidate.name === name || candidate.outputs.includes(name));
  const isInput = model.onnx.graph.inputs.some((input) => input.name === name);
  const tensor = isInput || node?.outputs.includes(name) ? name : node?.outputs[0];
  const type = tensor === undefined ? undefined : model.values.get(tensor);
  if (tensor && type?.type === "float32") {
    const { op, name: of } = node ?? { op: "Input", name: "" };
    return { name, tensor, op, node: of, shape: withoutBatch(type.shape), cut: false };
  }
  return undefined;
}

function unknownTap(taps: readonly Tap[], name: string, { file }: Place): PushforwardError {
  const candidates = [...new Set(taps.flatMap((tap) => [tap.name, tap.tensor]))];
  const near = nearestNames(name, candidates);
  const all = taps.map((tap) => tap.name);
  return new PushforwardError("tap-unknown", {
    what: `There is no tap "${name}".`,
    where: { tap: name, ...(file === undefined ? {} : { file }) },
    fix:
      near.length > 0
        ? `Did you mean ${near.map((candidate) => `"${candidate}"`).join(" or ")}? \`pushforward inspect\` lists all taps.`
        : `The taps are ${all.slice(0, 8).join(", ")}${all.length > 8 ? ", …" : ""}.`,
  });
}
