import type { Shape } from "../../base/index.ts";
import {
  type Graph,
  type Model,
  type Node,
  nodesBehind,
  OPSET,
  type Repetition,
  readsOf,
  repetition,
  repetitionOf,
  type TensorType,
  withOwnOutputs,
} from "../../onnx/index.ts";
import { partsOf, sidesOf } from "../linear-ops/repeat.ts";
import type { Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { LinearProgram, Operand, Rounds } from "../program.ts";
import type { Inside, Rule, RuleNode } from "../rule.ts";
import { tidied } from "../tidy.ts";

/** Which inputs of a repetition move, by their positions: states, what its body reads around it, and what its rounds get. */
interface Moving {
  readonly states: readonly number[];
  readonly captured: readonly number[];
  readonly sliced: readonly number[];
}

/**
 * A Scan that stays: the derivative of a round, with what it keeps stacked by the Scan itself, is a linear recurrence. What a round keeps
 * that is the same in all rounds is kept once.
 */
const repeat: Rule = (node, primal) => {
  const parts = repetitionOf(node.node);
  if (parts?.body.values === undefined) throw new Error("its rounds are not written as a repetition");
  const { body, states, isReverse } = parts;
  const model = modelOf(parts.body, body.values!, node);
  const names = [
    ...body.inputs.map(({ name }) => name),
    ...node.inputs.slice(body.inputs.length).map(({ name }) => name),
  ];
  const { moving, inside } = movingIn(parts, names, node, model);
  const { tangents } = inside;
  const carried = [...moving.states, ...moving.captured];
  const given = body.outputs.flatMap(({ name }, i) =>
    i >= states.length && tangents.get(name) !== undefined ? [i] : [],
  );
  const targets = [
    ...moving.states.map((i) => tangents.get(body.outputs[i]!.name)),
    ...moving.captured.map((i) => tangents.get(names[i]!)),
    ...given.map((i) => tangents.get(body.outputs[i]!.name)),
  ];
  const program = tidied(inside.l.finish(targets), inside.primal);
  const count = node.inputs[states.length]!.shape[0]!;
  const { round, operands, ofRound } = keepRounds({ parts, model, inside, program, count, node, primal });
  return (l, ...tangentsOf) => {
    const rounds: Rounds = {
      round,
      count,
      isReverse,
      ofRound,
      states: carried.map((i, at) => ({
        starts: tangentsOf[i] !== undefined,
        ends: i < states.length && round.targets[at] !== undefined,
      })),
    };
    const inputs = [...carried, ...moving.sliced].flatMap((i) => tangentsOf[i] ?? []);
    const all = l.repeat(inputs, operands, rounds);
    const places = [...moving.states.filter((_, at) => rounds.states[at]!.ends), ...given];
    const results = partsOf(sidesOf(rounds).outputs).map(({ shape, start, size }) =>
      l.reshape(l.slice(all, -1, start, size), shape),
    );
    return node.node.outputs.map((_, i) => results[places.indexOf(i)]);
  };
};

/** A body as a model of its own. What it reads around it is an initializer if it is constant. */
function modelOf(body: Graph, own: ReadonlyMap<string, TensorType>, { inputs }: RuleNode): Model {
  const captured = inputs.slice(body.inputs.length);
  const constants = captured.flatMap(({ name, constant }) => (constant ? [[name, constant] as const] : []));
  const graph = { ...body, initializers: new Map(constants) };
  return {
    onnx: { irVersion: 0, opsets: new Map([["", OPSET]]), producer: "", graph },
    values: new Map([...own, ...captured.map(({ name, type, shape }) => [name, { type, shape }] as const)]),
  };
}

/** The inputs that move, and what the rules of the body record for them. A state moves if it begins to move in any round. */
function movingIn({ body, states }: Repetition, names: readonly string[], node: RuleNode, model: Model) {
  const ends = body.outputs.map(({ name }) => name);
  const moves = names.map((_, i) => node.varies(i));
  for (;;) {
    const positions = [...names.keys()].filter((i) => moves[i]);
    const moving: Moving = {
      states: positions.filter((i) => i < states.length),
      captured: positions.filter((i) => i >= body.inputs.length),
      sliced: positions.filter((i) => i >= states.length && i < body.inputs.length),
    };
    const sources = [...moving.states, ...moving.captured, ...moving.sliced].map((i) => names[i]!);
    const inside = node.inside(model, { sources, targets: ends });
    const begins = states.flatMap((_, i) => (!moves[i] && inside.tangents.get(ends[i]!) !== undefined ? [i] : []));
    if (begins.length === 0) return { moving, inside };
    for (const i of begins) moves[i] = true;
  }
}

interface Keeping {
  readonly parts: Repetition;
  readonly model: Model;
  readonly inside: Inside;
  readonly program: LinearProgram;
  readonly count: number;
  readonly node: RuleNode;
  readonly primal: PrimalBuilder;
}

/**
 * Keeps what the program of a round needs: the Scan of the pass stacks it. Returns the program with the names that it is kept under, its
 * operands, and those of them that have an entry for each round.
 */
function keepRounds({ parts, model, inside, program, count, node, primal }: Keeping) {
  const { primal: own, settled } = inside;
  const { body, states, sliced } = parts;
  const { graph } = model.onnx;
  const constants = new Map([...graph.initializers, ...settled.helpers.constants, ...own.constants]);
  for (const [name, tensor] of [...settled.helpers.constants, ...own.constants]) primal.constants.set(name, tensor);
  const inner = settled.nodes.flatMap((one) => own.instead.get(one.name) ?? [one]);

  // What is the same in all rounds is computed around them, and once for all points if it is constant.
  const around = new Set([...constants.keys(), ...node.inputs.slice(body.inputs.length).map(({ name }) => name)]);
  const same = own.nodes.filter((one) => {
    const isSame = readsOf(one).every((name) => around.has(name));
    if (isSame) for (const output of one.outputs) around.add(output);
    return isSame;
  });
  const isConstant = new Set(constants.keys());
  const before = same.filter((one) => {
    if (!readsOf(one).every((name) => isConstant.has(name))) return true;
    for (const output of one.outputs) isConstant.add(output);
    primal.nodes.push(one);
    return false;
  });
  for (const output of same.flatMap(({ outputs }) => outputs)) primal.types.set(output, own.types.get(output)!);

  const typeOf = (name: string) => own.types.get(name) ?? settled.helpers.types.get(name) ?? model.values.get(name)!;
  const values = new Map([...body.values!, ...settled.helpers.types, ...own.types]);
  const wanted: { inside: string; around: string }[] = [];
  /** The entries of all rounds of a tensor of a round. */
  const stacked = (name: string): Value => {
    const { type, shape } = typeOf(name);
    const all = { type, shape: [count, ...shape] as Shape, constant: undefined };
    const [read, written] = [body.inputs, body.outputs].map((ends) => ends.findIndex((end) => end.name === name));
    if (read! >= states.length) return { ...all, name: sliced[read! - states.length]! };
    if (written! >= states.length) return { ...all, name: node.node.outputs[written!]! };
    const known = wanted.find((one) => one.inside === name);
    const result = known?.around ?? `${inside.prefix}/rounds/${name}`;
    if (known === undefined) wanted.push({ inside: name, around: result });
    primal.types.set(result, { type, shape: all.shape });
    return { ...all, name: result };
  };
  const used = new Set(program.steps.flatMap((step) => step.operands.map(({ name }) => name)));
  const kept = [...own.kept.values()].filter(({ name }) => used.has(name));
  const ofRound = kept.filter(({ name }) => !around.has(name));
  const fixed = kept.filter(({ name }) => around.has(name));
  const fixedOperands = fixed.map(({ name, type, shape }) =>
    primal.keep({ name, type, shape, constant: constants.get(name) }),
  );
  const operands = [...ofRound.map(({ name }) => primal.keep(stacked(name))), ...fixedOperands];
  for (const { kind, at } of [...own.kinks, ...settled.helpers.kinks]) {
    primal.kinks.push({ of: primal.owner!, kind, at: around.has(at.name) ? at : stacked(at.name) });
  }

  const outputs = [...body.outputs, ...wanted.map((one) => ({ name: one.inside, ...typeOf(one.inside) }))];
  const all = [...inner, ...own.nodes.filter((one) => !same.includes(one))];
  const nodes = nodesBehind(
    all,
    outputs.map(({ name }) => name),
  );
  const whole = withOwnOutputs({ ...body, outputs, nodes, values }, new Set([...values.keys(), ...around]));
  const names = [...node.node.outputs, ...wanted.map((one) => one.around)];
  const scan: Node = { ...node.node, ...repetition({ ...parts, body: whole, outputs: names }, node.node.name) };
  primal.instead.set(node.node.name, [...before, scan]);

  const renamed = new Map(fixed.map(({ name }, i) => [name, fixedOperands[i]!]));
  return {
    round: withOperands(program, renamed),
    operands,
    ofRound: ofRound.map(({ name, type, shape }) => ({ name, type, shape })),
  };
}

/** The program with other names for some operands, also in those that it holds. */
function withOperands(program: LinearProgram, renamed: ReadonlyMap<string, Operand>): LinearProgram {
  const steps = program.steps.map((step) => {
    const operands = step.operands.map((operand) => renamed.get(operand.name) ?? operand);
    if (step.op !== "repeat") return { ...step, operands };
    const round = withOperands(step.attributes.round, renamed);
    return { ...step, operands, attributes: { ...step.attributes, round } };
  });
  return { ...program, steps };
}

/** Recurrences of many rounds. */
export const repetitions = {
  Scan: {
    attributes: ["body", "num_scan_inputs", "scan_input_directions", "scan_output_directions"],
    keeps: "others",
    float64: "inside",
    rule: repeat,
  },
} satisfies Operators;
