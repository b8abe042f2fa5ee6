import { sizeOf } from "../base/index.ts";
import type { LinearBuilder, Operand, Tangent } from "./program.ts";
import { crops, resizeMatrices } from "./resize-matrices.ts";
import { type Rule, steering } from "./rule.ts";

/** One matrix per axis. */
export const resize: Rule = (node, primal) => {
  const { shape } = node.inputs[0]!;
  const of = {
    attributes: node.attributes,
    from: shape,
    to: node.outputs[0]!.shape,
    scales: steering(node, 2) ?? [],
    sizes: steering(node, 3) ?? [],
    roi: crops(node) ? (steering(node, 1) ?? []) : [],
  };
  const matrices = resizeMatrices(of, primal).map(({ axis, matrix }) => ({
    axis: axis - shape.length,
    matrix: primal.keep(matrix),
  }));
  return (l, dx) => matrices.reduce<Tangent>((t, { axis, matrix }) => alongAxis(l, t, matrix, axis), dx);
};

/** x·R along one axis. */
function alongAxis(l: LinearBuilder, x: Tangent, matrix: Operand, axis: number): Tangent {
  if (x === undefined) return undefined;
  if (axis === -1 && x.shape.length >= 2) return l.matmul(x, matrix);
  const at = x.shape.length + axis;
  const rows = [sizeOf(x.shape.slice(0, at)), x.shape[at]!, sizeOf(x.shape.slice(at + 1))];
  const result = [...x.shape.slice(0, at), matrix.shape[1]!, ...x.shape.slice(at + 1)];
  return l.reshape(l.matmulLeft(matrix, l.reshape(x, rows), true), result);
}
