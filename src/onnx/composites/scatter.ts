import { PushforwardError } from "../../base/index.ts";
import { int, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";

/**
 * TensorScatter writes updates into a cache along an axis, from a place of their own for each entry of the batch on: a ScatterElements
 * whose indices are start + step, modulo the extent of the cache where it is circular.
 */
function tensorScatter(node: Node, to: Rewrite): Node {
  const [cache = "", update = "", starts = ""] = node.inputs;
  const [whole, part] = [to.shape(cache), to.shape(update)];
  if (whole === undefined || part === undefined) {
    throw new PushforwardError("op-unsupported", {
      what: "The shapes of this TensorScatter are not known.",
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: "Export the model without a subgraph around it.",
    });
  }
  const stated = to.attributes.int("axis", -2);
  const axis = stated < 0 ? stated + whole.length : stated;
  const along = (extent: number, own: number) => part.map((_, d) => (d === own ? extent : 1));
  const steps = Array.from({ length: part[axis]! }, (_, i) => i);
  const ramp = to.constant("steps", intTensor(steps, along(steps.length, axis)));
  const from = (name: string) => to.add("Reshape", [name, to.constant("batch", intTensor(along(part[0]!, 0)))]);
  const places = starts === "" ? ramp : to.add("Add", [from(starts), ramp]);
  const isCircular = to.attributes.text("mode", "linear") === "circular";
  const extent = to.constant("extent", intTensor([whole[axis]!]));
  const within = isCircular ? to.add("Mod", [places, extent]) : places;
  const indices = to.add("Expand", [within, to.constant("shape", intTensor(part))]);
  return standard(node, "ScatterElements", [cache, indices, update], { axis: int(axis) });
}

export const scatter: Readonly<Record<string, OperatorRewriting>> = {
  TensorScatter: { attributes: ["axis", "mode"], looksAt: [0, 1], rewrite: tensorScatter },
};
