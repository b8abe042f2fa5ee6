export { readMeanImage } from "./blobs.ts";
export { type ImportedNet, importCaffe } from "./import-caffe.ts";
export { type CaffeMean, presetOf } from "./preset.ts";
