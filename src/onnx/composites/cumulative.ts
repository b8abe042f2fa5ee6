import { toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { writerOf } from "./writer.ts";

/**
 * The products of the entries of an axis up to each one, by doubling: after the step of distance d, an entry is the product of the 2d
 * entries up to it. No entry is divided by, so that zeros do no harm.
 *
 * @see Hillis and Steele 1986, "Data parallel algorithms"
 */
function cumulativeProduct(node: Node, to: Rewrite): Node {
  const [x = "", axisName = ""] = node.inputs;
  const write = writerOf(to);
  const shape = to.shape(x)!;
  const given = to.value(axisName);
  if (given === undefined) return node;
  const stated = toNumbers(given)[0]!;
  const axis = stated < 0 ? stated + shape.length : stated;
  const extent = shape[axis]!;
  const reverse = to.attributes.int("reverse", 0) !== 0;
  /** The tensor moved along the axis; what moves in is 1. */
  const moved = (name: string, by: number) => {
    const sides = shape.flatMap(() => 0);
    const [before, after] = reverse ? [-by, by] : [by, -by];
    const pads = [...sides.with(axis, before), ...sides.with(axis, after)];
    return write.op("Pad", [name, write.ints(pads), write.number(1)]);
  };
  let product = to.attributes.int("exclusive", 0) !== 0 ? moved(x, 1) : x;
  let distance = 1;
  for (; 2 * distance < extent; distance *= 2) product = write.mul(product, moved(product, distance));
  if (distance >= extent) return standard(node, "Identity", [product]);
  return standard(node, "Mul", [product, moved(product, distance)]);
}

/** Products along an axis. */
export const cumulative: Readonly<Record<string, OperatorRewriting>> = {
  CumProd: { attributes: ["exclusive", "reverse"], looksAt: [0, 1], rewrite: cumulativeProduct },
};
