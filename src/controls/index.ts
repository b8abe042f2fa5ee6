export { type Control, type ControlLayer, drawControl } from "./control.ts";
export { type ControlKind, controlKinds } from "./kinds.ts";
export { weightLayers } from "./layers.ts";
