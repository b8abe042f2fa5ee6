import { dirname, relative, resolve, sep } from "node:path";
import type { DataSettings, Recipe } from "../../training/index.ts";
import { isPresetFile } from "./choose-preset.ts";

type Move = (path: string) => string;

/** A recipe whose paths are relative to another folder than that of its file: those of its examples, and of earlier trainings. */
export function movedTo(folder: string, file: string, recipe: Recipe): Recipe {
  const move: Move = (path) =>
    relative(resolve(folder), resolve(dirname(file), path))
      .split(sep)
      .join("/");
  const { data, start } = recipe;
  const begun =
    start && ("training" in start ? withTraining(start, move) : start.map((one) => withTraining(one, move)));
  return { ...recipe, ...(data && { data: movedData(data, move) }), ...(begun && { start: begun }) };
}

const withTraining = <T extends { readonly training: string }>(one: T, move: Move): T => ({
  ...one,
  training: move(one.training),
});

function movedData(data: DataSettings, move: Move): DataSettings {
  const { pictures, labels, inputs, targets, preprocess, through } = data;
  const paths = {
    ...{ pictures, labels, inputs },
    targets: targets === "inputs" ? undefined : targets,
    preprocess: preprocess !== undefined && isPresetFile(preprocess) ? preprocess : undefined,
  };
  const moved = Object.entries(paths).flatMap(([key, path]) =>
    path === undefined ? [] : [[key, move(path)] as const],
  );
  return {
    ...data,
    ...Object.fromEntries(moved),
    ...(through && { through: through.map((one) => withTraining(one, move)) }),
  };
}
