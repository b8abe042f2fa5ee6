import type { Shape } from "../../base/index.ts";
import { intTensor, valueInfo } from "../build.ts";
import { isRandom } from "../fold.ts";
import { definedNames, withInner } from "../graph.ts";
import type { Decision, Graph, Node, Tensor } from "../model.ts";
import { repetition } from "../repetition.ts";
import type { RewritingOf } from "../rewrite-graph.ts";
import { Body, type Replacement } from "./body.ts";
import { bodyOf, type LoopSeen, yes } from "./loop.ts";
import { partsOf, type ScanSeen } from "./scan.ts";
import { hasOtherThanTensors } from "./sequences.ts";
import { Steps } from "./steps.ts";

/**
 * Whether all rounds of a body can be one repetition: they hold nothing but tensors, draw nothing, and have no node whose upgrade looks at
 * a tensor of the body.
 */
export function canRepeat(body: Graph, upgradeOf: RewritingOf): boolean {
  const inner = body.nodes.flatMap(withInner);
  const isPlain = (one: Node) => !isRandom(one) && (upgradeOf(one)?.looksAt ?? []).length === 0;
  return !hasOtherThanTensors(body) && inner.every(isPlain);
}

/** A Scan of opset 9 or later as a repetition. */
export function repeatScan(scan: Node, { shapeOf, outputs }: ScanSeen, opset: number, taken: Set<string>): Replacement {
  const parts = partsOf(scan);
  const { backwards, stackBackwards, axes, stackAxes } = parts;
  const steps = new Steps(scan, opset, taken);
  const carried = scan.inputs.length - parts.sliced;
  const isReverse = [...backwards, ...stackBackwards].every((one) => one);
  const rounds = roundsOf(shapeOf(scan.inputs[carried]!), axes[0]!);
  const sliced = scan.inputs.slice(carried).map((name, i) => {
    const first = steps.movedAxis(name, shapeOf(name).length, axes[i]!, 0);
    return isReverse || !backwards[i] ? first : steps.flipped(first, rounds);
  });
  const body = new Body(parts.body, taken, steps.into).whole();
  const named = scan.outputs.concat(body.outputs.slice(scan.outputs.length).map(() => ""));
  const results = named.map((output, i) => {
    const at = i - carried;
    const isMoved = at >= 0 && output !== "" && (stackAxes[at] !== 0 || (!isReverse && stackBackwards[at]));
    return output === "" || isMoved ? steps.fresh("result") : output;
  });
  const states = scan.inputs.slice(0, carried);
  steps.into.nodes.push(repetition({ states, sliced, body, isReverse, outputs: results }, scan.name));
  named.forEach((output, i) => {
    if (output === "" || results[i] === output) return;
    const turned = isReverse || !stackBackwards[i - carried] ? results[i]! : steps.flipped(results[i]!, rounds);
    steps.alias(steps.movedAxis(turned, outputs.get(output)!.shape.length, 0, stackAxes[i - carried]!), output);
  });
  return steps.into;
}

const roundsOf = (shape: Shape, axis: number): number => shape.at(axis)!;

interface RepeatedLoop extends Pick<LoopSeen, "rounds" | "most"> {
  readonly shapeOf: (name: string) => Shape | undefined;
  /** Its outputs: the last states, and what it stacks. */
  readonly outputs: readonly Tensor[];
}

/**
 * The rounds of a Loop as a repetition, and the tensors that decided their number. Where a round reads the entry of a tensor that has
 * its number, it gets that entry.
 */
export function repeatLoop(
  loop: Node,
  { rounds, most, shapeOf, outputs: seen }: RepeatedLoop,
  opset: number,
  taken: Set<string>,
): { readonly replacement: Replacement; readonly decisions: readonly Decision[] } {
  const steps = new Steps(loop, opset, taken);
  const [trips = "", condition = "", ...states] = loop.inputs;
  const whole = bodyOf(loop);
  const [index, goes] = whole.inputs.map(({ name }) => name) as [string, string];
  const { read, rest } = readByRound(whole, index, rounds, shapeOf);
  const sliced = [
    steps.constant("round", intTensor([...Array(rounds).keys()])),
    ...read.map(({ tensor, axis, extent, rank }) => {
      const first = steps.movedAxis(tensor, rank, axis, 0);
      return extent === rounds ? first : steps.entries(first, [...Array(rounds).keys()]);
    }),
  ];
  const state = whole.inputs.slice(2);
  const inputs = [whole.inputs[1]!, ...state, whole.inputs[0]!, ...read.map(({ output }) => untyped(output))];
  const [going, ...others] = rest.outputs as [Graph["outputs"][0], ...Graph["outputs"]];
  const same = new Map([[goes, steps.constant("yes", yes)]]);
  // ONNX Runtime wants to know the shapes of what a Scan computes in a round.
  const typed = others.map(({ name }, i) => {
    const { type, shape } = seen[i]!;
    return valueInfo(name, type, i < states.length ? shape : shape.slice(1));
  });
  const body = new Body({ ...rest, inputs, outputs: [...typed, going] }, taken, steps.into, same).whole();
  const results = others.map((_, i) => loop.outputs[i] || steps.fresh("result"));
  const conditions = steps.fresh("conditions");
  const outputs = [...results, conditions];
  steps.into.nodes.push(repetition({ states, sliced, body, isReverse: false, outputs }, loop.name));
  // Whether it goes on after its last round decides nothing where no more are allowed.
  const counted = rounds < most ? conditions : steps.entries(conditions, [...Array(rounds - 1).keys()]);
  const decided = (tensor: string, by: Decision["by"]): Decision[] =>
    tensor === "" ? [] : [{ node: loop.name, op: loop.op, tensor, by }];
  const decisions = [
    ...decided(trips, "trip count"),
    ...decided(condition, "condition"),
    ...decided(counted, "condition"),
  ];
  return { replacement: steps.into, decisions };
}

const untyped = (name: string) => ({ name, type: undefined, shape: undefined });

/** A tensor of which each round reads the entry with its number, and what the body calls this entry. */
interface Read {
  readonly tensor: string;
  readonly axis: number;
  readonly extent: number;
  readonly rank: number;
  readonly output: string;
}

/** What the rounds of a body read by their number, and the body without the nodes that read it. */
function readByRound(body: Graph, index: string, rounds: number, shapeOf: (name: string) => Shape | undefined) {
  const own = definedNames(body);
  const read: Read[] = [];
  const nodes = body.nodes.filter(({ op, domain, inputs: [tensor = "", at], outputs: [output = ""], attributes }) => {
    const shape = shapeOf(tensor);
    if (op !== "Gather" || domain !== "" || at !== index || own.has(tensor) || shape === undefined) return true;
    const axis = attributes.axis?.kind === "int" ? attributes.axis.value : 0;
    const extent = roundsOf(shape, axis);
    if (extent < rounds) return true;
    read.push({ tensor, axis, extent, rank: shape.length, output });
    return false;
  });
  return { read, rest: { ...body, nodes } };
}

/** The tensors whose shapes `repeatLoop` asks for. */
export function readInLoop(loop: Node): string[] {
  const body = bodyOf(loop);
  const own = definedNames(body);
  const isByRound = ({ op, inputs: [, at] }: Node) => op === "Gather" && at === body.inputs[0]?.name;
  const read = body.nodes.filter(isByRound).map(({ inputs: [tensor = ""] }) => tensor);
  return read.filter((name) => name !== "" && !own.has(name));
}

/** Whether the states of a Loop have the same type and shape at its beginning and at its end. */
export function keepsItsShapes(
  initial: readonly (Tensor | undefined)[],
  last: readonly (Tensor | undefined)[],
): boolean {
  return initial.every(
    (one, i) => one !== undefined && last[i]?.type === one.type && `${last[i].shape}` === `${one.shape}`,
  );
}
