export { type Backend, type Executable, evaluateWith } from "./backend.ts";
export {
  type Block,
  type BlockAlgebra,
  block,
  blockOf,
  type Matrix,
  type Placement,
  rowsOf,
  stacked,
} from "./block-algebra.ts";
export { compose, sliceSource, sliceTarget, sum, transposeOf } from "./combinators.ts";
export { denseMatrix, toDense, unitRows } from "./dense.ts";
export { dotTest } from "./dot-test.ts";
export { type LinearOperator, sourceSize, targetSize } from "./linear-operator.ts";
