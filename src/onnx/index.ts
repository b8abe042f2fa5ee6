export * from "./build.ts";
export { checkModel } from "./check.ts";
export { allNames, freshName, readsOf, subgraphsOf } from "./graph.ts";
export type * from "./model.ts";
export { type NormalizeOptions, normalize } from "./normalize.ts";
export { type ReadOptions, readModel } from "./read.ts";
export { type ExternalReader, readTensor } from "./read-tensor.ts";
export { renameTensors } from "./rename.ts";
export { writeModel } from "./write.ts";
