import { PushforwardError, type Shape } from "../../../base/index.ts";
import { fitTo, guessPreset, type Preprocess, parsePreset, presetNamed, settingsOf } from "../../../images/index.ts";
import type { ChosenPreset } from "./network-description.ts";
import { parseJson } from "./parse-json.ts";
import type { GivenFile } from "./protocol.ts";

/** The preprocessing that a network with this input probably takes. */
export function guessedPreset(shape: Shape): ChosenPreset {
  try {
    const { preset, reason, isUnsure } = guessPreset(shape);
    return chosen(preset, reason, isUnsure);
  } catch (cause) {
    if (!(cause instanceof PushforwardError)) throw cause;
    return { told: { reason: cause.what, isUnsure: true } };
  }
}

/**
 * The preprocessing that a user chose: the name of a preset, or a preset file.
 *
 * @throws PushforwardError `usage` for an unknown name or a file that is not understood; `shape-mismatch` if it does not fit
 */
export async function askedPreset(asked: string | GivenFile, shape: Shape): Promise<ChosenPreset> {
  const preset = fitTo(typeof asked === "string" ? presetNamed(asked) : await fromFile(asked), shape);
  const reason = typeof asked === "string" ? `You chose ${preset.name}.` : `It is in the file ${asked.name}.`;
  return chosen(preset, reason);
}

/** A preprocessing with all that is told of it. */
export const chosen = (preset: Preprocess, reason: string, isUnsure = false): ChosenPreset => ({
  preset,
  told: { name: preset.name, settings: settingsOf(preset), reason, isUnsure },
});

async function fromFile(file: GivenFile) {
  const { name } = file;
  const json = await parseJson(file, "A preset file must be one JSON object, as described in docs/preprocessing.md.");
  return parsePreset(json, name, (path) => {
    throw new PushforwardError("file-unreadable", {
      what: `The preset names the mean image ${path}, which a page cannot read.`,
      where: { file: name },
      fix: "Write the mean of each channel as numbers instead.",
    });
  });
}
