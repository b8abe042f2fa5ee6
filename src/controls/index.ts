export { type Control, type ControlLayer, type ControlOptions, drawControl } from "./control.ts";
export { type ControlKind, controlKinds } from "./kinds.ts";
export { type WeightLayer, weightLayers } from "./layers.ts";
export type { Units } from "./units.ts";
