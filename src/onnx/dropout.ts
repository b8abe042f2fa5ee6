import { castTo, floatTensor } from "./build.ts";
import type { Attributes, Tensor } from "./model.ts";
import type { Rewrite } from "./rewrite.ts";

interface DropoutParts {
  /** The share of entries that are left out; "" for a half. */
  readonly ratio: string;
  /** Whether anything is left out; "" for no. */
  readonly training: string;
  /** The name of the output that says which entries stay; "" if there is none. */
  readonly mask: string;
  readonly seed: Attributes;
}

/** The tensor that dropout multiplies x by: 0 for entries that are left out, and 1 / (1 − ratio) for the others. */
export function dropoutFactor(to: Rewrite, x: string, { ratio, training, mask, seed }: DropoutParts): string {
  const no: Tensor = { type: "bool", shape: [], data: Uint8Array.of(0) };
  const one = to.constant("one", floatTensor([], [1]));
  const share = ratio || to.constant("ratio", floatTensor([], [0.5]));
  const trains = training || to.constant("training", no);
  const isOut = to.add("And", [trains, to.add("Less", [to.add("RandomUniformLike", [x], seed), share])]);
  const stays = to.add("Not", [isOut], {}, mask || undefined);
  const scale = to.add("Where", [trains, to.add("Div", [one, to.add("Sub", [one, share])]), one]);
  return to.add("Mul", [to.add("Cast", [stays], castTo("float32")), scale]);
}
