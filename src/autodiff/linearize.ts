import { messageOf, PushforwardError, sameShape } from "../base/index.ts";
import {
  buildModel,
  type Evaluate,
  type Model,
  type Node,
  type OnnxModel,
  readAttributes,
  readsOf,
  type Tensor,
  type TensorType,
  valueInfo,
} from "../onnx/index.ts";
import { aliveEntries } from "./alive.ts";
import { ProgramBuilder } from "./builder.ts";
import { countKinks, type KinkCounts, settleComparisons } from "./kinks.ts";
import { type KeptValue, PrimalBuilder, type Value } from "./primal.ts";
import type { LinearProgram, Operand, Tangent } from "./program.ts";
import type { RuleNode } from "./rule.ts";
import { knownAttributes } from "./rules/attributes.ts";
import { type DifferentiableOp, rules } from "./rules/index.ts";
import { convolveParts, scaleAfterGather } from "./simplify.ts";
import { settleUntaken } from "./untaken.ts";

export interface LinearizeOptions {
  /** The tensors with respect to which to differentiate: inputs, weights or any tensor inside. */
  readonly sources: readonly string[];
  readonly targets: readonly string[];
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

/** A node that lies between sources and targets and has no rule. */
export interface UnsupportedNode {
  readonly node: string;
  readonly op: string;
}

/**
 * The nodes that depend on a source, in graph order. A node reads its inputs, and also the tensors of the surrounding graph that
 * its subgraphs (the body of a Loop, the branches of an If) use.
 */
function nodesAfter(nodes: readonly Node[], sources: readonly string[]): Node[] {
  const varying = new Set(sources);
  return nodes.filter((node) => {
    const flows = readsOf(node).some((name) => varying.has(name));
    if (flows) for (const output of node.outputs) if (!sources.includes(output)) varying.add(output);
    return flows;
  });
}

/** Nodes through which the sources' tangents flow on their way to the targets, in graph order. */
export function nodesBetween(model: Model, { sources, targets }: LinearizeOptions): Node[] {
  const reached = nodesAfter(model.onnx.graph.nodes, sources);
  const needed = new Set(targets);
  const between = reached.reverse().filter((node) => {
    const leads = node.outputs.some((output) => needed.has(output));
    if (leads) for (const name of readsOf(node)) if (!sources.includes(name)) needed.add(name);
    return leads;
  });
  return between.reverse();
}

/** The nodes between sources and targets that have no rule. */
export function unsupportedBetween(model: Model, options: LinearizeOptions): UnsupportedNode[] {
  return nodesBetween(model, options)
    .filter((node) => node.domain !== "" || rules[node.op] === undefined)
    .map((node) => ({ node: node.name, op: node.domain === "" ? node.op : `${node.domain}.${node.op}` }));
}

/**
 * The derivative of a model. For each node between sources and targets, the rule of its operator keeps values of the primal pass and
 * records linear operations.
 *
 * Shapes: the sources and targets of the program have the shapes of the tensors. Tensors that do not depend on a source are held
 * fixed.
 *
 * @throws PushforwardError `op-unsupported` naming every node without a rule
 * @see Radul et al. 2022, "You Only Linearize Once"
 */
export async function linearize(model: Model, options: LinearizeOptions, evaluate: Evaluate): Promise<Linearization> {
  const missing = unsupportedBetween(model, options);
  if (missing.length > 0) throw unsupported(missing, options);

  const { graph } = model.onnx;
  const lookUp = (name: string): Value => {
    const { shape, type } = model.values.get(name)!;
    return { name, shape, type, constant: graph.initializers.get(name) };
  };
  const l = new ProgramBuilder();
  const primal = new PrimalBuilder();
  const tangents = new Map<string, Tangent>();
  const aliveAt = aliveEntries(primal, (x) => l.makerOf(x));
  primal.alive = (name) => aliveAt(tangents.get(name));
  for (const source of options.sources) tangents.set(source, l.source(lookUp(source).shape));

  for (const node of nodesBetween(model, options)) {
    const ruleNode: RuleNode = {
      op: node.op,
      inputs: node.inputs.map((name) => (name === "" ? absent : lookUp(name))),
      outputs: node.outputs.filter((name) => name !== "").map(lookUp),
      attributes: readAttributes(node.attributes, knownAttributes[node.op as DifferentiableOp]),
      optional: (i) => (node.inputs[i] ? lookUp(node.inputs[i]) : undefined),
      varies: (i) => tangents.get(node.inputs[i] ?? "") !== undefined,
    };
    primal.owner = node.outputs[0];
    try {
      checkAttributes(node);
      const map = rules[node.op]!(ruleNode, primal);
      const result = map(l, ...node.inputs.map((name) => tangents.get(name)));
      const results = Array.isArray(result) ? (result as readonly Tangent[]) : [result as Tangent];
      results.forEach((tangent, i) => {
        const name = node.outputs[i];
        if (!name || tangent === undefined || options.sources.includes(name)) return;
        const { shape } = lookUp(name);
        if (!sameShape(tangent.shape, shape)) throw new Error(`tangent [${tangent.shape}] for output [${shape}]`);
        tangents.set(name, tangent);
      });
    } catch (cause) {
      throw new PushforwardError("op-unsupported", {
        what: `${node.op} cannot be differentiated here: ${messageOf(cause)}.`,
        where: { node: node.name, op: node.op },
        fix: "Choose a target before this node.",
        cause,
      });
    }
  }

  const recorded = settleUntaken(l.finish(options.targets.map((target) => tangents.get(target))), primal);
  primal.owner = undefined;
  const program = convolveParts(options.apart ? recorded : scaleAfterGather(recorded, primal), primal);
  return finish(model, primal, program, options, evaluate);
}

function checkAttributes({ op, attributes }: Node): void {
  const known = knownAttributes[op as DifferentiableOp];
  const others = Object.keys(attributes).filter((name) => !known.includes(name));
  if (others.length === 0) return;
  const [attribute, is] = others.length === 1 ? ["attribute", "is"] : ["attributes", "are"];
  throw new Error(`its ${attribute} ${others.join(", ")} ${is} not known to the rule of ${op}`);
}

const absent: Value = { name: "", shape: [], type: "float32", constant: undefined };

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
  const fixedNodes = primal.nodes.filter((node) => {
    const isFixed = readsOf(node).every((name) => fixed.has(name));
    if (isFixed) for (const output of node.outputs) fixed.add(output);
    return isFixed;
  });
  const operands = [...primal.kept.values()].filter((operand) => used.has(operand.name));
  const toCompute = operands.filter(({ name }) => fixed.has(name) && !known.has(name));
  const graphOf = (nodes: readonly Node[], outputs: readonly Operand[], inputs = graph.inputs) => {
    const needed = neededNodes(
      nodes,
      outputs.map(({ name }) => name),
    );
    const read = new Set(needed.flatMap(readsOf).concat(outputs.map(({ name }) => name)));
    return buildModel(
      {
        inputs,
        outputs: outputs.map(({ name, type, shape }) => valueInfo(name, type, shape)),
        nodes: needed,
        initializers: new Map([...known, ...primal.constants].filter(([name]) => read.has(name))),
      },
      model.onnx.opsets.get(""),
    );
  };
  const computed =
    toCompute.length === 0
      ? new Map<string, Tensor>()
      : await evaluate(
          graphOf(fixedNodes, toCompute, []),
          new Map(),
          toCompute.map(({ name }) => name),
        );
  const constants = new Map<string, Tensor>();
  for (const { name } of operands) {
    const tensor = known.get(name) ?? computed.get(name);
    if (tensor !== undefined) constants.set(name, tensor);
  }
  const kept = operands.filter(({ name }) => !constants.has(name));
  const points = targets.map((name) => ({ name, ...model.values.get(name)! }));
  const pass = [...settled, ...primal.nodes];
  const read = new Set(
    neededNodes(
      pass,
      [...kept, ...points].map(({ name }) => name),
    ).flatMap(({ outputs }) => outputs),
  );
  const met = [...helpers.kinks.filter(({ of }) => read.has(of)), ...primal.kinks];
  const kinks = countKinks(primal, met);
  const outputs = new Map(
    [...kept, ...points, ...(kinks ? [kinks.counts] : [])].map((operand) => [operand.name, operand]),
  );
  return {
    program,
    constants,
    kept,
    primal: graphOf([...settled, ...primal.nodes], [...outputs.values()]),
    kinks,
    typeOf: (name) => model.values.get(name) ?? primal.types.get(name) ?? helpers.types.get(name),
  };
}

/** The nodes that these outputs need. */
function neededNodes(nodes: readonly Node[], outputs: readonly string[]): Node[] {
  const needed = new Set(outputs);
  return [...nodes]
    .reverse()
    .filter((node) => {
      const leads = node.outputs.some((output) => needed.has(output));
      if (leads) for (const name of readsOf(node)) needed.add(name);
      return leads;
    })
    .reverse();
}

function unsupported(missing: readonly UnsupportedNode[], { sources, targets }: LinearizeOptions): PushforwardError {
  const [first] = missing as [UnsupportedNode];
  const ops = [...new Set(missing.map(({ op }) => op))];
  const nodes = missing.map(({ node, op }) => `${node} (${op})`).join(", ");
  return new PushforwardError("op-unsupported", {
    what:
      `There is no rule for ${ops.join(", ")}, needed for J(${sources.join(", ")} → ${targets.join(", ")})` +
      (missing.length > 1 ? `; nodes: ${nodes}.` : "."),
    where: { node: first.node, op: first.op },
    fix: "Choose a target before these nodes (`pushforward inspect` lists the taps in reach), or add a rule: CONTRIBUTING.md.",
  });
}
