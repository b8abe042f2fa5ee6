export { type ErrorCode, exitCodes, messageOf, PushforwardError } from "./error.ts";
export { createRng, gaussianArray, type Rng } from "./random.ts";
export { broadcastShapes, formatShape, type Shape, sameShape, sizeOf, stridesOf } from "./shape.ts";
