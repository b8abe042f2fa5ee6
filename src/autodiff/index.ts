export { type EmittedProgram, emit } from "./emit.ts";
export { evaluate } from "./evaluate.ts";
export {
  type Linearization,
  linearize,
  nodesBetween,
  type UnsupportedNode,
  unsupportedBetween,
} from "./linearize.ts";
export { formatProgram, type LinearProgram, type LinearVar, type Operand, type Tangent } from "./program.ts";
export { rules } from "./rules/index.ts";
export { transpose } from "./transpose.ts";
