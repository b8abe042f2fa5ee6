import { PushforwardError } from "../base/index.ts";
import type { Apparatus, Case, Experiment, Result } from "./experiment.ts";
import { rowOf } from "./row.ts";

/**
 * The values of an experiment's options: the defaults or the quick ones, changed by texts of the command line.
 *
 * @throws PushforwardError `usage` for an option that it does not have, or a text that is no value of it
 */
export function valuesOf(
  { name, options }: Experiment,
  { quick = false, given = {} as Readonly<Record<string, string>> } = {},
): Readonly<Record<string, unknown>> {
  for (const option of Object.keys(given)) {
    if (Object.hasOwn(options, option)) continue;
    throw new PushforwardError("usage", {
      what: `The experiment ${name} has no option --${option}.`,
      where: { option: `--${option}` },
      fix: `It has ${Object.keys(options)
        .map((own) => `--${own}`)
        .join(", ")}.`,
    });
  }
  return Object.fromEntries(
    Object.entries(options).map(([key, option]) => {
      const text = given[key];
      if (text !== undefined) return [key, option.parse(text, key)];
      return [key, quick ? option.quick : option.default];
    }),
  );
}

/**
 * Predicts and measures one case.
 *
 * @throws PushforwardError `interrupted`, and what the engine throws
 */
export async function runCase({ setting, predict, measure }: Case, apparatus: Apparatus): Promise<Result> {
  const predictions = Object.entries(predict());
  const { numbers, curves = [] } = await measure(apparatus);
  const rows = predictions.map(([quantity, prediction]) => rowOf(quantity, prediction, numbers[quantity]!));
  return { setting, rows, curves };
}
