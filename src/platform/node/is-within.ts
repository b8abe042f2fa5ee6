import { isAbsolute, relative, sep } from "node:path";

/** Whether a path is that of a folder or lies in it, by their real paths. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way.split(sep)[0] !== ".." && !isAbsolute(way);
}
