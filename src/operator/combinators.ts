import { formatShape, PushforwardError, type Shape, sameShape } from "../base/index.ts";
import type { Block, BlockAlgebra, Placement } from "../runtime/index.ts";
import { type LinearOperator, sourceSize, targetSize } from "./linear-operator.ts";

/**
 * The product A·B: first B, then A. Its source is that of B, its target that of A.
 *
 * @throws PushforwardError `shape-mismatch` unless B's target is A's source
 */
export function compose(A: LinearOperator, B: LinearOperator): LinearOperator {
  requireSame("B's target", B.target, "A's source", A.source);
  return {
    source: B.source,
    target: A.target,
    preferredRows: Math.min(A.preferredRows, B.preferredRows),
    algebra: A.algebra,
    apply: async (v, placement) => {
      using between = await B.apply(v);
      return await A.apply(between, placement);
    },
    applyTranspose: async (u, placement) => {
      using between = await A.applyTranspose(u);
      return await B.applyTranspose(between, placement);
    },
    activeRows: async () => A.activeRows?.(),
  };
}

/** Jᵀ: source and target are exchanged. */
export function transposeOf(J: LinearOperator): LinearOperator {
  return {
    source: J.target,
    target: J.source,
    preferredRows: J.preferredRows,
    algebra: J.algebra,
    apply: (v, placement) => J.applyTranspose(v, placement),
    applyTranspose: (u, placement) => J.apply(u, placement),
  };
}

/**
 * The sum A + B of two operators between the same spaces.
 *
 * @throws PushforwardError `shape-mismatch` unless sources and targets agree
 */
export function sum(A: LinearOperator, B: LinearOperator): LinearOperator {
  requireSame("A's source", A.source, "B's source", B.source);
  requireSame("A's target", A.target, "B's target", B.target);
  return {
    source: A.source,
    target: A.target,
    preferredRows: Math.min(A.preferredRows, B.preferredRows),
    algebra: A.algebra,
    apply: async (v, placement) => added(A.algebra, await A.apply(v), await B.apply(v), placement),
    applyTranspose: async (u, placement) =>
      added(A.algebra, await A.applyTranspose(u), await B.applyTranspose(u), placement),
    activeRows: async () => {
      const [a, b] = [await A.activeRows?.(), await B.activeRows?.()];
      return a && b && Uint32Array.from(new Set([...a, ...b])).sort();
    },
  };
}

/**
 * Some rows of J: the target becomes the vector of the entries at `indices` (row-major positions in J's target).
 *
 * @throws PushforwardError `shape-mismatch` if an index is out of range or given twice
 */
export function sliceTarget(J: LinearOperator, indices: ArrayLike<number>): LinearOperator {
  const size = targetSize(J);
  const chosen = checkedIndices(indices, size, "target");
  return {
    source: J.source,
    target: [chosen.length],
    preferredRows: J.preferredRows,
    algebra: J.algebra,
    apply: async (v, placement) => {
      using whole = await J.apply(v);
      return await J.algebra.select(whole, chosen, placement);
    },
    applyTranspose: async (u, placement) => {
      using whole = await J.algebra.scatter(u, chosen, size);
      return await J.applyTranspose(whole, placement);
    },
    activeRows: async () => {
      const active = await J.activeRows?.();
      if (active === undefined) return undefined;
      const isActive = new Set(active);
      return Uint32Array.from(chosen.keys()).filter((position) => isActive.has(chosen[position]!));
    },
  };
}

/**
 * Some columns of J: the source becomes the vector of the entries at `indices`; all others are held at zero.
 *
 * @throws PushforwardError `shape-mismatch` if an index is out of range or given twice
 */
export function sliceSource(J: LinearOperator, indices: ArrayLike<number>): LinearOperator {
  const size = sourceSize(J);
  const chosen = checkedIndices(indices, size, "source");
  return {
    source: [chosen.length],
    target: J.target,
    preferredRows: J.preferredRows,
    algebra: J.algebra,
    apply: async (v, placement) => {
      using whole = await J.algebra.scatter(v, chosen, size);
      return await J.apply(whole, placement);
    },
    applyTranspose: async (u, placement) => {
      using whole = await J.applyTranspose(u);
      return await J.algebra.select(whole, chosen, placement);
    },
    activeRows: async () => J.activeRows?.(),
  };
}

function requireSame(nameA: string, a: Shape, nameB: string, b: Shape): void {
  if (sameShape(a, b)) return;
  throw new PushforwardError("shape-mismatch", {
    what: `${nameA} is ${formatShape(a)}, but ${nameB} is ${formatShape(b)}.`,
    fix: "Join operators whose spaces have the same shape.",
  });
}

function checkedIndices(indices: ArrayLike<number>, size: number, space: string): Uint32Array {
  const seen = new Set<number>();
  for (const index of Array.from(indices)) {
    const problem = seen.has(index) ? "given twice" : "out of range";
    if (!Number.isInteger(index) || index < 0 || index >= size || seen.has(index)) {
      throw new PushforwardError("shape-mismatch", {
        what: `Index ${index} into the ${space} is ${problem}.`,
        where: { option: "indices" },
        fix: `Give distinct integers from 0 to ${size - 1}.`,
      });
    }
    seen.add(index);
  }
  return Uint32Array.from(indices);
}

async function added(algebra: BlockAlgebra, a: Block, b: Block, placement?: Placement): Promise<Block> {
  using first = a;
  using second = b;
  const nothing = { weight: 0, block: first };
  return await algebra.mix([{ weight: 1, block: first }, { weight: 1, block: second }, nothing], placement);
}
