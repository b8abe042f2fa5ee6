export { formatRange, formatSeconds, type Range } from "./duration.ts";
export { exitCodes, messageOf, type Place, PushforwardError, printable } from "./error.ts";
export { boundOf, isBelowFloor } from "./floor.ts";
export { jsonOf } from "./json.ts";
export { nearestNames, suggestion } from "./nearest.ts";
export {
  formatBytes,
  formatCount,
  formatNumber,
  formatShare,
  plural,
  powerOfTen,
  subscript,
  typeset,
} from "./notation.ts";
export { quoted } from "./quote.ts";
export { createRng, drawSeed, gaussianArray, type Rng } from "./random.ts";
export { sha256, sha256Of } from "./sha256.ts";
export { broadcastShapes, formatShape, type Shape, sameShape, sizeOf, stridesOf, withoutBatch } from "./shape.ts";
export { meanWithError, student, studentInterval } from "./student.ts";
export { tableOf } from "./table.ts";
