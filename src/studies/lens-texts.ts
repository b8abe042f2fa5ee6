import { formatShape, PushforwardError } from "../base/index.ts";
import type { Tap } from "../jacobian/index.ts";
import { spreadOver } from "./findings.ts";
import type { Lab } from "./lab.ts";
import type { Params } from "./study.ts";

/** The tokens of one input from which a mean is taken. */
export interface Text {
  readonly input: number;
  readonly tokens: readonly number[];
}

/** The extents of a tap that holds one state for each token of one text; undefined for another tap. */
function layoutOf({ shape, part }: Tap): { readonly tokens: number; readonly width: number } | undefined {
  const [tokens, width, ...more] = shape.filter((extent) => extent !== 1);
  const isOne = part === undefined && tokens !== undefined && width !== undefined && more.length === 0;
  return isOne ? { tokens, width } : undefined;
}

/** The numbers of the state of one token. */
export const widthOf = (tap: Tap): number => layoutOf(tap)!.width;

/** The taps whose states are read, and the last one. @throws PushforwardError `usage` unless each has one state for each token */
export function statesOf({ taps, network }: Pick<Lab, "taps" | "network">): [Tap[], Tap] {
  const [source, ...states] = taps as [Tap, ...Tap[]];
  const last = states.at(-1)!;
  const other = states.find((tap) => (layoutOf(tap)?.tokens ?? 0) !== layoutOf(last)?.tokens);
  if (other === undefined && states.length > 1) return [states.slice(0, -1), last];
  const possible = network.taps.filter((tap) => tap.cut && layoutOf(tap) !== undefined && network.moves(source, tap));
  const alike = possible.filter((tap) => sameLayout(tap, possible[0]!)).map(({ name }) => name);
  const order = "Name the states between the layers of a language model, the last one at the end.";
  throw new PushforwardError("usage", {
    what:
      other === undefined
        ? "The study of the lens needs at least two taps: the states, and after them the last state."
        : `The study of the lens needs whole taps of the shape tokens × width, and "${other.name}" is ${formatShape(other.shape)}.`,
    where: { ...(network.file === "" ? {} : { file: network.file }), option: "--taps" },
    fix:
      alike.length > 1
        ? `${order} These taps of the network can be states: ${alike.join(", ")}.`
        : `${order} The network must be opened for one text of at least two tokens (--shape), and have two such taps.`,
  });
}

function sameLayout(a: Tap, b: Tap): boolean {
  const [one, other] = [layoutOf(a)!, layoutOf(b)!];
  return one.tokens === other.tokens && one.width === other.width;
}

/**
 * The tokens over which the mean is taken, evenly spaced over all texts.
 *
 * @throws PushforwardError `usage` if no token is left, or a number of tokens is none
 */
export function textsOf({ inputs }: Pick<Lab, "inputs">, last: Tap, params: Params): Text[] {
  const [most, skip, length] = [Number(params.tokens), Number(params.skip), layoutOf(last)!.tokens];
  const refuse = (what: string, fix: string): never => {
    throw new PushforwardError("usage", { what, where: { option: "--set" }, fix });
  };
  if (!Number.isInteger(most) || most < 1)
    refuse(`tokens = ${most} is no number of tokens.`, "Give at least 1: --set tokens=200.");
  if (!Number.isInteger(skip) || skip < 0)
    refuse(`skip = ${skip} is no number of tokens.`, "Give 0 or more: --set skip=1.");
  const each = length - skip;
  if (each < 1) {
    refuse(
      `Each text has ${length} tokens, and skip = ${skip} leaves out all of them.`,
      "Give longer texts, or --set skip=0.",
    );
  }
  const chosen = spreadOver(inputs.length * each, most);
  return inputs.flatMap((_, input) => {
    const tokens = chosen.filter((at) => Math.floor(at / each) === input).map((at) => skip + (at % each));
    return tokens.length === 0 ? [] : [{ input, tokens }];
  });
}

/**
 * The output with scores for each token, which may be the last tap itself; undefined if there is none.
 *
 * @throws PushforwardError `usage` if names of tokens are given, and not as many as the scores
 */
export function scoresOf({ network, names }: Pick<Lab, "network" | "names">, last: Tap): Tap | undefined {
  const { output } = network;
  if (layoutOf(output)?.tokens !== layoutOf(last)!.tokens) return undefined;
  if (output.tensor !== last.tensor && !network.moves(last, output)) return undefined;
  if (names.length === 0 || names.length === widthOf(output)) return output;
  throw new PushforwardError("usage", {
    what: `There are ${names.length} names of tokens, but ${output.name} has ${widthOf(output)} scores for each token.`,
    where: { option: "--labels" },
    fix: "Give one name for each score, in their order: one in each line, or a JSON list, in which a name can be blank.",
  });
}
