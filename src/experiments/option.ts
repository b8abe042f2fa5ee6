import { PushforwardError } from "../base/index.ts";

/** An option of an experiment, as the command line takes it. */
export interface Option<T> {
  readonly about: string;
  readonly default: T;
  /** The value that it has for a quick look. */
  readonly quick: T;
  /** @throws PushforwardError `usage` for a text that is no value of it */
  parse(text: string, option: string): T;
}

interface Values<T> {
  readonly about: string;
  readonly default: T;
  readonly quick?: T;
}

interface Bounds {
  /** Each number is at least this one; 0 unless it is stated. */
  readonly least?: number;
  readonly whole?: boolean;
}

/** Numbers, separated by commas on the command line. */
export function numbers(values: Values<readonly number[]>, bounds: Bounds = {}): Option<readonly number[]> {
  return {
    quick: values.default,
    ...values,
    parse: (text, option) => text.split(",").map((part) => numberIn(part, option, bounds)),
  };
}

export function number(values: Values<number>, bounds: Bounds = {}): Option<number> {
  return { quick: values.default, ...values, parse: (text, option) => numberIn(text, option, bounds) };
}

/** Some of a few words, separated by commas on the command line. */
export function words<W extends string>(
  choices: readonly W[],
  values: { readonly about: string; readonly default?: readonly W[]; readonly quick?: readonly W[] },
): Option<readonly W[]> {
  return {
    default: choices,
    quick: values.default ?? choices,
    ...values,
    parse: (text, option) =>
      text.split(",").map((part) => {
        const word = choices.find((choice) => choice === part.trim());
        if (word !== undefined) return word;
        throw refusal(option, part, `one of ${choices.join(", ")}`, choices[0]!);
      }),
  };
}

function numberIn(text: string, option: string, { least = 0, whole = false }: Bounds): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= least && (!whole || Number.isInteger(value)))
    return value;
  throw refusal(option, text, `a ${whole ? "whole " : ""}number of at least ${least}`, String(Math.max(least, 1)));
}

const refusal = (option: string, given: string, wanted: string, example: string): PushforwardError =>
  new PushforwardError("usage", {
    what: `"${given.trim()}" is not ${wanted}.`,
    where: { option: `--${option}` },
    fix: `For example: --${option} ${example}.`,
  });
