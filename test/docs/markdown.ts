import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** Every Markdown page of the project, by its path from the root. */
export const pages: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].sort();

export const readPage = (page: string): string => readFileSync(join(root, page), "utf8");

/** A fenced block of a page. */
export interface Fence {
  /** What stands behind the opening fence: `ts`, `text`, `ts src/autodiff/rule.ts`. */
  readonly info: string;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** Nothing but empty lines between the block before and this one. */
  readonly followsDirectly: boolean;
}

/** The fenced blocks of a page in order. */
export function fencesOf(markdown: string): Fence[] {
  const lines = markdown.split("\n");
  const fences: Fence[] = [];
  let closed = -1;
  for (let at = 0; at < lines.length; at++) {
    if (!lines[at]!.startsWith("```")) continue;
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: this block is never closed`);
    fences.push({
      info: lines[at]!.slice(3).trim(),
      text: lines.slice(at + 1, end).join("\n"),
      line: at + 1,
      followsDirectly: closed >= 0 && lines.slice(closed + 1, at).every((line) => line.trim() === ""),
    });
    closed = end;
    at = end;
  }
  return fences;
}

/** A page without its fenced blocks. */
export const withoutFences = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```$/gm, "");
