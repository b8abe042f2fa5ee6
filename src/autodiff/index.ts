export { appendProduct, type ProductKind, productGraph } from "./append.ts";
export { type EmittedProgram, emit } from "./emit.ts";
export { evaluate } from "./evaluate.ts";
export { inFloat64 } from "./float64/in-float64.ts";
export { linearOps } from "./linear-ops/table.ts";
export { type Linearization, linearize } from "./linearize.ts";
export { keptFamilies } from "./operator.ts";
export { operatorOf } from "./operators/index.ts";
export { isOfDerivative } from "./primal.ts";
export { formatProgram, type LinearProgram, type LinearVar, type Operand, type Tangent } from "./program.ts";
export {
  formatUnsupported,
  nodesBetween,
  nodesMoving,
  type Reach,
  reachOf,
  type UnsupportedNode,
  unsupportedBetween,
} from "./record.ts";
export { constant } from "./rule.ts";
export type { AxisRange, Selection } from "./selection.ts";
export { transpose } from "./transpose.ts";
export type { Filters, Weights } from "./weights.ts";
