import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { pages, readPage, root, withoutFences } from "./markdown.ts";

const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
const anchorsOf = (page: string) =>
  [...withoutFences(readPage(page)).matchAll(/^#+ +(.+?) *$/gm)].map(([, heading]) => anchorOf(heading!));

/** Links of a page, code spans left out. */
const linksOf = (page: string) =>
  [
    ...withoutFences(readPage(page))
      .replace(/`[^`\n]*`/g, "")
      .matchAll(/\]\(([^)\s]+)\)/g),
  ].map(([, link]) => link!);

/** Links that lead nowhere: to a file that is not there, or a heading that its page has not. */
function deadLinks(page: string): string[] {
  return linksOf(page).filter((link) => {
    if (/^(?:https?|mailto):/.test(link)) return false;
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
}

/** Files and folders that a page names in code spans, from the root, and that are not there. */
function deadPaths(page: string): string[] {
  const spans = [...withoutFences(readPage(page)).matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!);
  const paths = spans.filter((span) => /^(?:src|test|docs|scripts|bench|examples)\/[\w./-]*$/.test(span));
  return paths.filter((path) => !existsSync(join(root, path)));
}

test.each(pages)("%s has no dead link and names no file that is not there", (page) => {
  expect([...deadLinks(page), ...deadPaths(page)]).toEqual([]);
});

test("every page under docs/ is linked from another", () => {
  const linked = new Set(
    pages.flatMap((page) => linksOf(page).map((link) => join(dirname(page), link.split("#")[0]!))),
  );
  expect(pages.filter((page) => page.startsWith("docs/") && !linked.has(page))).toEqual([]);
});
