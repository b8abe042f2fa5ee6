import { PushforwardError } from "../base/index.ts";
import { readAttributes } from "./build.ts";
import type { Graph, Node } from "./model.ts";

/**
 * Checks that a node of control flow has its graphs, and that these have the inputs and outputs that the node gives them and takes of them.
 *
 * @throws PushforwardError `model-invalid`
 */
export function checkFlow(node: Node): void {
  if (node.domain !== "") return;
  const refuse = (what: string): never => {
    throw new PushforwardError("model-invalid", {
      what: `The ${node.op} ${what}.`,
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: "The file is damaged or was written wrongly: download or export it again.",
    });
  };
  const attributes = readAttributes(node.attributes);
  const graph = (name: string): Graph => attributes.graph(name) ?? refuse(`has no graph "${name}"`);
  if (node.op === "If") {
    if (!node.inputs[0]) refuse("has no condition");
    for (const name of ["then_branch", "else_branch"]) {
      if (graph(name).outputs.length < node.outputs.length) refuse(`has more outputs than its graph "${name}"`);
    }
  }
  if (node.op !== "Loop" && node.op !== "Scan") return;
  const { inputs, outputs } = graph("body");
  const sliced = attributes.int("num_scan_inputs", 0);
  // A Loop gives its body the number of the round and the condition, and is given the condition for the next round.
  const [given, own] = node.op === "Loop" ? [2, 1] : [inputs.length - node.inputs.length, 0];
  const carried = node.op === "Loop" ? inputs.length - given : inputs.length - sliced;
  if (node.op === "Scan" && !(Number.isSafeInteger(sliced) && sliced >= 1 && sliced <= inputs.length)) {
    refuse(`slices ${sliced} inputs, and its body has ${inputs.length}`);
  }
  const isFit = node.op === "Loop" ? inputs.length === Math.max(2, node.inputs.length) : given === 0 || given === -1;
  if (!isFit) refuse(`has ${node.inputs.length} inputs, and its body ${inputs.length}`);
  if (outputs.length < own + Math.max(carried, node.outputs.length)) {
    refuse(`has ${node.outputs.length} outputs, and its body ${outputs.length}`);
  }
}
