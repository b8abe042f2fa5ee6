import type { Operators } from "../operator.ts";

/** Operators that cannot be differentiated yet, of which something else is known. */
export const withoutRule = {
  GatherElements: {},
  GatherND: {},
} satisfies Operators;
