import { formatShape, PushforwardError, sizeOf, suggestion } from "../base/index.ts";
import { readNpy } from "./npy.ts";
import { channelsOf, type MeanImage, type Preprocess, presets, type Size, unitOf } from "./presets.ts";

/** Reads the file of a mean image; a relative path is relative to the preset file. */
export type ReadMean = (path: string) => Promise<Uint8Array>;

const keys = ["base", "name", "colour", "resize", "crop", "invert", "scale", "mean", "std", "unit"] as const;
type Key = (typeof keys)[number];
type Settings = Partial<Readonly<Record<Key, unknown>>>;
type Refuse = (key: string, what: string, fix: string) => never;

/** A preset by its name. @throws PushforwardError `usage` for an unknown name, with the nearest one */
export function presetNamed(name: string): Preprocess {
  if (Object.hasOwn(presets, name)) return presets[name as keyof typeof presets];
  throw new PushforwardError("usage", {
    what: `There is no preprocessing "${name}".`,
    where: { option: "--preprocess" },
    fix: `${suggestion(name, Object.keys(presets), '"')} Or give the path of a preset file (.json).`,
  });
}

/**
 * The preprocessing that a JSON preset file describes. Its keys are those of `Preprocess`, all optional, and `base`, the preset for all
 * other settings (`none` by default). `mean` may be the path of a mean image (.npy). A file that changes the colour of its base must
 * give its own mean and std.
 *
 * @throws PushforwardError `usage` naming the key; `file-unreadable` and others of `readNpy` for the mean image
 */
export async function parsePreset(json: unknown, file: string, readMean: ReadMean): Promise<Preprocess> {
  const refuse: Refuse = (key, what, fix) => {
    throw new PushforwardError("usage", { what: `"${key}" ${what}`, where: { file, option: key }, fix });
  };
  if (!isRecord(json)) return refuse("preset", "must be one JSON object.", `Write { "base": "imagenet", ... }.`);
  for (const key of Object.keys(json)) {
    if (!keys.some((known) => known === key)) refuse(key, "is no setting of a preset.", suggestion(key, keys, '"'));
  }
  const settings: Settings = json;
  const base = baseOf(settings, refuse);
  const colour = oneOf("colour", settings.colour ?? base.colour, ["RGB", "BGR", "gray"] as const, refuse);
  if (colour !== base.colour && base !== presets.none && (settings.mean === undefined || settings.std === undefined)) {
    refuse("colour", `differs from that of "${base.name}".`, "Give mean and std in the new order of channels as well.");
  }
  const scale = settings.scale === undefined ? base.scale : number("scale", settings.scale, refuse);
  const std = settings.std === undefined ? base.std : numbers("std", settings.std, refuse);
  return checked(
    {
      name: text("name", settings.name ?? nameOf(file), refuse),
      colour,
      resize: settings.resize === undefined ? base.resize : resizeOf(settings.resize, refuse),
      crop: settings.crop === undefined ? base.crop : cropOf(settings.crop, refuse),
      invert: boolean("invert", settings.invert ?? base.invert, refuse),
      scale,
      mean: settings.mean === undefined ? base.mean : await meanOf(settings.mean, readMean, refuse),
      std,
      unit: text("unit", settings.unit ?? unitOf(colour, scale, std), refuse),
    },
    refuse,
  );
}

function checked(preset: Preprocess, refuse: Refuse): Preprocess {
  const channels = channelsOf(preset);
  if (preset.scale <= 0) refuse("scale", "must be positive.", "Give 1 for levels 0..255, or leave it out.");
  if (preset.std.some((value) => value <= 0))
    refuse("std", "must be positive.", "Give 1 to leave the values as they are.");
  for (const key of ["mean", "std"] as const) {
    const value = preset[key];
    const count = "file" in value ? value.shape[0] : value.length;
    if (count === channels || (count === 1 && !("file" in value))) continue;
    refuse(
      key,
      `has ${count} channels, ${preset.colour} has ${channels}.`,
      "Give one number a channel, or one for all.",
    );
  }
  return preset;
}

function baseOf({ base }: Settings, refuse: Refuse): Preprocess {
  if (base === undefined) return presets.none;
  const name = oneOf("base", base, Object.keys(presets) as (keyof typeof presets)[], refuse);
  return presets[name];
}

function nameOf(file: string): string {
  return (file.split(/[/\\]/).at(-1) ?? file).replace(/\.json$/i, "");
}

async function meanOf(value: unknown, readMean: ReadMean, refuse: Refuse): Promise<Preprocess["mean"]> {
  if (typeof value === "string") return meanImage(value, readMean);
  return numbers("mean", value, refuse);
}

async function meanImage(path: string, readMean: ReadMean): Promise<MeanImage> {
  const { shape, data } = readNpy(await readMean(path), path);
  const inner = shape.length === 4 && shape[0] === 1 ? shape.slice(1) : shape;
  if (inner.length === 3 && sizeOf(inner) > 0) return { file: path, shape: inner, data };
  throw new PushforwardError("shape-mismatch", {
    what: `A mean image must have the shape channels × height × width, but this array is ${formatShape(shape)}.`,
    where: { file: path },
    fix: "Save it in that order, or give a mean pixel as a list.",
  });
}

function resizeOf(value: unknown, refuse: Refuse): Preprocess["resize"] {
  if (value === "none") return value;
  const [key, ...more] = isRecord(value) ? Object.keys(value) : [];
  if (isRecord(value) && more.length === 0) {
    if (key === "shorterSide" && isExtent(value[key])) return { shorterSide: value[key] };
    if (key === "exact" && isSize(value[key])) return { exact: value[key] };
    if (key === "required" && isSize(value[key])) return { required: value[key] };
  }
  const example = `Write { "shorterSide": 256 }, { "exact": [height, width] }, { "required": [height, width] } or "none".`;
  return refuse("resize", "is not understood.", example);
}

function cropOf(value: unknown, refuse: Refuse): Preprocess["crop"] {
  if (value === "none" || isSize(value)) return value;
  return refuse("crop", "is not understood.", `Write [height, width] or "none".`);
}

function oneOf<T extends string>(key: Key, value: unknown, choices: readonly T[], refuse: Refuse): T {
  const choice = choices.find((known) => known === value);
  if (choice !== undefined) return choice;
  const found = JSON.stringify(value);
  return refuse(key, `cannot be ${found}.`, suggestion(typeof value === "string" ? value : found, choices, '"'));
}

function text(key: Key, value: unknown, refuse: Refuse): string {
  return typeof value === "string" && value !== "" ? value : refuse(key, "must be a text.", `Write "${key}": "...".`);
}

function boolean(key: Key, value: unknown, refuse: Refuse): boolean {
  return typeof value === "boolean" ? value : refuse(key, "must be true or false.", "Write it without quotes.");
}

function numbers(key: Key, value: unknown, refuse: Refuse): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const finite = list.filter((entry): entry is number => typeof entry === "number" && Number.isFinite(entry));
  if (finite.length > 0 && finite.length === list.length) return finite;
  const orFile = key === "mean" ? " or the path of an .npy file" : "";
  return refuse(key, "must be a list of finite numbers.", `Write "${key}": [0.5, 0.5, 0.5]${orFile}.`);
}

function number(key: Key, value: unknown, refuse: Refuse): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  return refuse(key, "must be a finite number.", "Give 1 for levels 0..255, or leave it out.");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isExtent(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}

function isSize(value: unknown): value is Size {
  return Array.isArray(value) && value.length === 2 && value.every(isExtent);
}
