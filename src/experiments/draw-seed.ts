import { createRng } from "../base/index.ts";

/** The seed of the weights of one draw. */
export const drawSeed = (...of: readonly (number | string)[]): number => createRng(...of).integer(2 ** 32);
