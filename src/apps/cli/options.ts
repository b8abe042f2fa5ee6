import { InvalidArgumentError } from "commander";

/** `3,224,224` → [3, 224, 224] */
export function parseShape(text: string): number[] {
  const extents = text.split(/[,x×]/).map(Number);
  if (extents.some((extent) => !Number.isInteger(extent) || extent < 1)) {
    throw new InvalidArgumentError("A shape is whole numbers, as 3,224,224.");
  }
  return extents;
}

export function parsePositiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("A whole number of at least 1 is needed.");
  return value;
}

export function parseSeed(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("A seed is a whole number, 0 or more.");
  return value;
}

export function parseTolerance(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("A tolerance lies between 0 and 1, as 1e-5.");
  return value;
}

/** `all`, `none` or how many to keep from either end. */
export function parseVectors(text: string): number | "all" {
  if (text === "all") return "all";
  if (text === "none") return 0;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Say "all", "none" or a whole number.');
  return value;
}
