export { createAlgebra } from "./algebra.ts";
export type { Backend, Executable, Feeds } from "./backend.ts";
export { believed } from "./believed.ts";
export { Block } from "./block.ts";
export { type BlockAlgebra, blockOf, type Matrix, type Placement } from "./block-algebra.ts";
export { type Compiled, CompiledCache } from "./cache.ts";
export type { DeviceTensor } from "./device-tensor.ts";
export { evaluateWith } from "./evaluate.ts";
export { HostTensor } from "./host-tensor.ts";
