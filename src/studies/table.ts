import type { Study } from "./study.ts";
import { trajectory } from "./trajectory.ts";

/** Every study, in the order of its page. */
export const studies: readonly Study[] = [trajectory];
