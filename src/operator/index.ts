export type { Backend, Executable } from "./backend.ts";
export { type Block, type BlockAlgebra, block, type Matrix, rowsOf } from "./block-algebra.ts";
export { type LinearOperator, sourceSize, targetSize } from "./linear-operator.ts";
