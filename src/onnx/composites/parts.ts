import { floatTensor } from "../build.ts";
import type { Rewrite } from "../rewrite.ts";

/** A constant number. */
export const scalar = (to: Rewrite, role: string, value: number): string => to.constant(role, floatTensor([], [value]));
