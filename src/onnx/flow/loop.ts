import { intTensor, node } from "../build.ts";
import { freshName } from "../graph.ts";
import type { Decision, Graph, Node, Tensor } from "../model.ts";
import { Body, type Replacement } from "./body.ts";
import { Steps } from "./steps.ts";

export const yes: Tensor = { type: "bool", shape: [], data: Uint8Array.of(1) };

export function bodyOf(loop: Node): Graph {
  const { body } = loop.attributes;
  if (body?.kind !== "graph") throw new Error("a Loop without a body");
  return body.value;
}

/** The Loop with one more output, which has an entry for each round. */
export function counting(loop: Node, taken: Set<string>): { readonly node: Node; readonly count: string } {
  const body = bodyOf(loop);
  const round = freshName(taken, `${loop.name || loop.outputs[0]}/round`);
  const count = freshName(taken, `${loop.name || loop.outputs[0]}/rounds`);
  const counted: Graph = {
    ...body,
    nodes: [...body.nodes, node({ op: "Identity", inputs: [body.inputs[0]!.name], outputs: [round] })],
    outputs: [...body.outputs, { name: round, type: "int64", shape: [] }],
  };
  const outputs = body.outputs.slice(1).map((_, i) => loop.outputs[i] || freshName(taken, `${count}/unused`));
  return {
    node: { ...loop, outputs: [...outputs, count], attributes: { body: { kind: "graph", value: counted } } },
    count,
  };
}

export interface LoopSeen {
  readonly rounds: number;
  /** The greatest number of rounds that its first input allows; infinite if it has none. */
  readonly most: number;
  /** The outputs that it stacks, where it has no round. */
  readonly empty: ReadonlyMap<string, Tensor>;
}

/** The rounds of a Loop, one after the other, and the tensors that decided their number. */
export function unrollLoop(
  loop: Node,
  { rounds, most, empty }: LoopSeen,
  opset: number,
  taken: Set<string>,
): { readonly replacement: Replacement; readonly decisions: readonly Decision[] } {
  const body = bodyOf(loop);
  const [trips = "", condition = "", ...initial] = loop.inputs;
  const steps = new Steps(loop, opset, taken);
  const { into } = steps;
  const decisions: Decision[] = [];
  const decided = (tensor: string, by: Decision["by"]) => {
    if (tensor !== "") decisions.push({ node: loop.name, op: loop.op, tensor, by });
  };
  decided(trips, "trip count");
  decided(condition, "condition");

  const carried = body.inputs.length - 2;
  const stacked: string[][] = body.outputs.slice(1 + carried).map(() => []);
  let state: readonly string[] = initial;
  if (rounds > 0) {
    const copies = new Body(body, taken, into);
    let goes = condition === "" ? steps.constant("yes", yes) : condition;
    for (let round = 0; round < rounds; round++) {
      const number = steps.constant(`round.${round}`, intTensor([round], []));
      const isLast = round === rounds - 1;
      const wanted = isLast ? ["", ...loop.outputs.slice(0, carried)] : [];
      const [next = "", ...values] = copies.round(`${round}`, [number, goes, ...state], into, wanted);
      goes = next;
      if (!isLast || rounds < most) decided(goes, "condition");
      state = values.slice(0, carried);
      values.slice(carried).forEach((value, i) => {
        stacked[i]!.push(value);
      });
    }
  }
  loop.outputs.forEach((output, i) => {
    if (output === "") return;
    if (i < carried) {
      if (state[i] !== output) steps.alias(state[i] ?? "", output);
    } else if (rounds > 0) steps.stack(stacked[i - carried]!, 0, output);
    else steps.constant("", empty.get(output)!, output);
  });
  return { replacement: into, decisions };
}
