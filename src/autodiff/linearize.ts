import { PushforwardError } from "../base/index.ts";
import {
  buildModel,
  type Evaluate,
  type Model,
  type Node,
  nodesBehind,
  type OnnxModel,
  partBehind,
  readsOf,
  type Tensor,
  type TensorType,
  valueInfo,
} from "../onnx/index.ts";
import type { KeptValue, PrimalBuilder } from "./primal.ts";
import type { LinearProgram, Operand } from "./program.ts";
import { blockedAt, formatUnsupported, nodesAfter, nodesMoving, record, type UnsupportedNode } from "./record.ts";
import { type Selection, select } from "./selection.ts";
import { countKinks, type KinkCounts, settleComparisons } from "./settle-comparisons.ts";
import { tidied } from "./tidy.ts";

export interface LinearizeOptions {
  /** The tensors with respect to which to differentiate: inputs, weights or any tensor inside. */
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  /** The entries of each source and target that J is of, in their order; all of those that have no selection. */
  readonly selected?: {
    readonly sources?: readonly (Selection | undefined)[];
    readonly targets?: readonly (Selection | undefined)[];
  };
  /** Keeps the values of each node separate, so that they can come from different points. Products then cost a little more. */
  readonly apart?: boolean;
}

/** The derivative of a model between tensors at any point: the values to keep there, and the linear program that uses them. */
export interface Linearization {
  readonly program: LinearProgram;
  /** Weights, and tensors that depend only on weights. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** The kept values that depend on the point. The primal graph computes them. */
  readonly kept: readonly KeptValue[];
  /** The primal pass at a point. Its inputs are those of the model; its outputs are the kept values and the targets. */
  readonly primal: OnnxModel;
  /** Where the primal pass counts the kinks that it is at; `undefined` where there are none between sources and targets. */
  readonly kinks: KinkCounts | undefined;
  /** The types and shapes of the tensors of the primal pass, by name. */
  readonly typeOf: (name: string) => TensorType | undefined;
}

/**
 * The derivative of a model. For each node between sources and targets, the rule of its operator keeps values of the primal pass and
 * records linear operations.
 *
 * Shapes: the sources and targets of the program have the shapes of the tensors, or of the entries selected. Tensors that do not depend on a source are held
 * fixed.
 *
 * @throws PushforwardError `op-unsupported` naming every node that cannot be differentiated, with the reason
 * @see Radul et al. 2022, "You Only Linearize Once"
 */
export async function linearize(model: Model, options: LinearizeOptions, evaluate: Evaluate): Promise<Linearization> {
  const { selected = {} } = options;
  const recording = record(model, nodesMoving(model, options), options.sources, selected.sources);
  const missing = blockedAt(recording, options.targets);
  if (missing.length > 0) throw unsupported(missing, options);

  const { l, primal, tangents } = recording;
  primal.owner = undefined;
  const ends = options.targets.map((target, i) => {
    const selection = selected.targets?.[i];
    return selection === undefined ? tangents.get(target) : select(l, primal, tangents.get(target), selection);
  });
  const whole = l.finish(ends);
  const withoutStandIns = { ...whole, sources: whole.sources.slice(0, options.sources.length) };
  const program = tidied(withoutStandIns, primal, options.apart);
  return finish(model, primal, program, options, evaluate);
}

/** Splits the kept values into constants, which are computed here once, and those that the primal graph computes at each point. */
async function finish(
  model: Model,
  primal: PrimalBuilder,
  program: LinearProgram,
  { sources, targets }: LinearizeOptions,
  evaluate: Evaluate,
): Promise<Linearization> {
  const { graph } = model.onnx;
  const moving = new Set(nodesAfter(graph.nodes, sources));
  const { nodes: settled, helpers } = settleComparisons(graph.nodes, model, (node) => moving.has(node));
  const known = new Map([...graph.initializers, ...helpers.constants, ...primal.constants]);
  const used = new Set(program.steps.flatMap((step) => step.operands.map((operand) => operand.name)));

  const fixed = new Set(known.keys());
  const isFixed = new Set(
    primal.nodes.filter((node) => {
      const reads = readsOf(node);
      if (!reads.every((name) => fixed.has(name))) return false;
      for (const output of node.outputs) fixed.add(output);
      return true;
    }),
  );
  const fixedNodes = [...isFixed];
  const operands = [...primal.kept.values()].filter((operand) => used.has(operand.name));
  const toCompute = operands.filter(({ name }) => fixed.has(name) && !known.has(name));
  const graphOf = (nodes: readonly Node[], outputs: readonly Operand[], inputs = graph.inputs) => {
    // The counts of kinks add constants until the last graph is made.
    const initializers = new Map([...known, ...primal.constants]);
    const whole = { name: "graph", inputs, outputs: infosOf(outputs), nodes, initializers };
    return buildModel(partBehind(whole, namesOf(outputs)), model.onnx.opsets);
  };
  const computed =
    toCompute.length === 0
      ? new Map<string, Tensor>()
      : await evaluate(graphOf(fixedNodes, toCompute, []), new Map(), namesOf(toCompute));
  const constants = new Map<string, Tensor>();
  for (const { name } of operands) {
    const tensor = known.get(name) ?? computed.get(name);
    if (tensor !== undefined) constants.set(name, tensor);
  }
  const kept = operands.filter(({ name }) => !constants.has(name));
  const points = targets.map((name) => ({ name, ...model.values.get(name)! }));
  const pass = () => [
    ...fixedNodes,
    ...settled.flatMap((one) => primal.instead.get(one.name) ?? [one]),
    ...primal.nodes.filter((one) => !isFixed.has(one)),
  ];
  const read = new Set(nodesBehind(pass(), namesOf([...kept, ...points])).flatMap(({ outputs }) => outputs));
  const met = [...helpers.kinks.filter(({ of }) => read.has(of)), ...primal.kinks];
  const kinks = countKinks(primal, met);
  const outputs = new Map(
    [...kept, ...points, ...(kinks ? [kinks.counts] : [])].map((operand) => [operand.name, operand]),
  );
  return {
    program,
    constants,
    kept,
    primal: graphOf(pass(), [...outputs.values()]),
    kinks,
    typeOf: (name) => model.values.get(name) ?? primal.types.get(name) ?? helpers.types.get(name),
  };
}

const namesOf = (operands: readonly Operand[]) => operands.map(({ name }) => name);

const infosOf = (operands: readonly Operand[]) => operands.map(({ name, type, shape }) => valueInfo(name, type, shape));

function unsupported(missing: readonly UnsupportedNode[], { sources, targets }: LinearizeOptions): PushforwardError {
  const [{ node, op }] = missing as [UnsupportedNode];
  return new PushforwardError("op-unsupported", {
    what: `J(${sources.join(", ")} → ${targets.join(", ")}) cannot be computed. ${formatUnsupported(missing)}`,
    where: { node, op },
    fix: "Choose a target before these nodes (`pushforward inspect` lists the taps in reach), or add a rule: CONTRIBUTING.md.",
  });
}
