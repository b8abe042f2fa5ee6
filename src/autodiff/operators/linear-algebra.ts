import { type Shape, sizeOf } from "../../base/index.ts";
import { determinant } from "../determinant.ts";
import { einsum, einsumCost } from "../einsum.ts";
import type { Operators } from "../operator.ts";
import type { Value } from "../primal.ts";
import { einsumWeights, gemmWeights, matrixWeights } from "../weights.ts";

/** The shape that MatMul uses for a vector: a row on the left, a column on the right. */
const asMatrix = (shape: Shape, side: "left" | "right"): Shape =>
  shape.length !== 1 ? shape : side === "left" ? [1, shape[0]!] : [shape[0]!, 1];

export const linearAlgebra = {
  /** d(AB) = dA·B + A·dB, over broadcast leading axes. */
  MatMul: {
    weights: matrixWeights,
    // Each output entry is a sum over the last axis of A, whatever is broadcast; A may be a vector.
    multiplyAdds: ({ inputs: [a], outputs: [y] }) => sizeOf(y!.shape) * a!.shape.at(-1)!,
    keeps: "others",
    rule: (node, primal) => {
      const [a, b] = node.inputs as readonly [Value, Value];
      const y = node.outputs[0]!;
      const left = asMatrix(a.shape, "left");
      const right = asMatrix(b.shape, "right");
      const batch = y.shape.slice(0, y.shape.length - (a.shape.length > 1 ? 1 : 0) - (b.shape.length > 1 ? 1 : 0));
      const matrix = (x: Value, shape: Shape) => primal.keep(x.shape.length === 1 ? primal.reshape(x, shape) : x);
      const keptB = node.varies(0) ? matrix(b, right) : undefined;
      const keptA = node.varies(1) ? matrix(a, left) : undefined;
      return (l, da, db) => {
        const wide = (dx: typeof da, shape: Shape) => l.broadcast(l.reshape(dx, shape), [...batch, ...shape.slice(-2)]);
        const byA = keptB && l.matmul(wide(da, left), keptB);
        const byB = keptA && l.matmulLeft(keptA, wide(db, right));
        return l.reshape(l.add(byA, byB), y.shape);
      };
    },
  },

  /** Y is linear in each operand. */
  Einsum: {
    attributes: ["equation"],
    weights: einsumWeights,
    multiplyAdds: einsumCost,
    keeps: "others",
    rule: einsum,
  },

  /** d det A = Σ C ∘ dA with the cofactors C. */
  Det: { float64: "none", keeps: "others", rule: determinant },

  /** Y = A⁻¹, dY = −Y·dA·Y. */
  Inverse: {
    multiplyAdds: ({ outputs: [y] }) => 2 * sizeOf(y!.shape) * y!.shape.at(-1)!,
    keeps: "others",
    rule: (node, primal) => {
      const y = primal.keep(node.outputs[0]!);
      return (l, da) => l.multiply(-1, l.matmulLeft(y, l.matmul(da, y)));
    },
  },

  /** Y = α A′B′ + β C, dY = α(dA′·B′ + A′·dB′) + β dC. */
  Gemm: {
    tapName: "fc",
    attributes: ["alpha", "beta", "transA", "transB"],
    weights: gemmWeights,
    multiplyAdds: ({ attributes, inputs: [a], outputs: [y] }) =>
      sizeOf(y!.shape) * a!.shape[attributes.int("transA", 0) !== 0 ? 0 : 1]!,
    keeps: "others",
    rule: (node, primal) => {
      const [a, b] = node.inputs as readonly [Value, Value];
      const { attributes, outputs } = node;
      const transA = attributes.int("transA", 0) !== 0;
      const transB = attributes.int("transB", 0) !== 0;
      const keptB = node.varies(0) ? primal.keep(b) : undefined;
      const keptA = node.varies(1) ? primal.keep(a) : undefined;
      return (l, da, db, dc) => {
        const byA = keptB && l.matmul(transA ? l.transpose(da, [1, 0]) : da, keptB, transB);
        const byB = keptA && l.matmulLeft(keptA, transB ? l.transpose(db, [1, 0]) : db, transA);
        return l.add(
          l.multiply(attributes.float("alpha", 1), l.add(byA, byB)),
          l.multiply(attributes.float("beta", 1), l.broadcast(dc, outputs[0]!.shape)),
        );
      };
    },
  },
} satisfies Operators;
