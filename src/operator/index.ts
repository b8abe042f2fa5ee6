export { compose, sliceSource, sliceTarget, sum, transposeOf } from "./combinators.ts";
export { denseMatrix, toDense, unitRows } from "./dense.ts";
export { dotTest } from "./dot-test.ts";
export { type LinearOperator, sourceSize, targetSize } from "./linear-operator.ts";
