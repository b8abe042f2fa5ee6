import type { Command } from "commander";
import { nearestNames, PushforwardError } from "../../base/index.ts";
import { type ControlKind, controlKinds } from "../../controls/index.ts";
import { FEWEST_DRAWS } from "../../studies/index.ts";
import { wholeNumber } from "./options.ts";

/** A control that a command asks for: a kind that is drawn, or the file of the network before its training. */
export type AskedControl = { readonly kind: ControlKind } | { readonly kind: "initial"; readonly file: string };

export interface ControlOptions {
  readonly control: readonly AskedControl[];
  /** The number of random networks of each kind that is drawn. */
  readonly draws?: number;
}

/** Adds the options of `ControlOptions`. */
export function controlling(command: Command): Command {
  return command
    .option(
      "--control <kinds>",
      `compare with networks that have learned nothing: ${controlKinds.join(", ")}, initial=FILE.onnx; may be repeated`,
      withControls,
      [],
    )
    .option(
      "--draws <count>",
      `random networks of each kind of control (default: ${FEWEST_DRAWS})`,
      wholeNumber("--draws", 1),
    );
}

/**
 * The number of draws of each kind. Standard error says if there are too few for a verdict on a difference.
 *
 * @throws PushforwardError `usage` if draws are asked for and no kind that is drawn
 */
export function drawsOf({ control, draws }: ControlOptions): number {
  const drawn = control.some(({ kind }) => kind !== "initial");
  if (draws !== undefined && !drawn) {
    throw new PushforwardError("usage", {
      what: "There is no control to draw.",
      where: { option: "--draws" },
      fix: `Add --control with one of ${controlKinds.join(", ")}, or leave out --draws.`,
    });
  }
  const count = draws ?? FEWEST_DRAWS;
  if (drawn && count < FEWEST_DRAWS) {
    process.stderr.write(
      `note: differences from the controls will be undecided, as a verdict on one needs at least ${FEWEST_DRAWS} draws (--draws)\n`,
    );
  }
  return count;
}

/** The controls so far and those of one more `--control`. */
function withControls(text: string, before: readonly AskedControl[]): AskedControl[] {
  const known = [...before];
  for (const part of text.split(",")) {
    const asked = parsed(part.trim());
    if (known.some(({ kind }) => kind === asked.kind)) {
      throw refusal(`The control ${asked.kind} is given twice.`, "Give each kind of control once.");
    }
    known.push(asked);
  }
  return known;
}

function parsed(text: string): AskedControl {
  const at = text.indexOf("=");
  const [name, file] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  if (name === "initial") {
    if (file) return { kind: name, file };
    throw refusal(
      "The control initial is the network before its training, and its file is not given.",
      "Give its file: --control initial=FILE.onnx.",
    );
  }
  const kind = kindNamed(name, "--control", ["initial=FILE.onnx"]);
  if (file === undefined) return { kind };
  throw refusal(`The control ${kind} is drawn at random and takes no file.`, `Use --control ${kind}.`);
}

/** Parses a kind that is drawn. @throws PushforwardError `usage` naming the option */
export const controlKind =
  (option: string) =>
  (text: string): ControlKind =>
    kindNamed(text, option);

/** `others`: what else the option takes. */
function kindNamed(name: string, option: string, others: readonly string[] = []): ControlKind {
  const kind = controlKinds.find((known) => known === name);
  if (kind !== undefined) return kind;
  const all = [...controlKinds, ...others];
  const nearest = name === "" ? [] : nearestNames(name, all);
  const guess = nearest.length === 0 ? "" : `Did you mean ${nearest.map((near) => `"${near}"`).join(" or ")}? `;
  throw refusal(`There is no control "${name}".`, `${guess}The controls are ${all.join(", ")}.`, option);
}

const refusal = (what: string, fix: string, option = "--control") =>
  new PushforwardError("usage", { what, where: { option }, fix });
