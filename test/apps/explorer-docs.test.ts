import { posix, resolve } from "node:path";
import { expect, test } from "vitest";
import { makeDocs } from "../../scripts/explorer-docs.ts";
import { createWorkplace } from "./workplace.ts";

test("markup in a document is text, and links lead to pages of the site, or nowhere", async () => {
  const markdown = `# A \`b\` <i>
<img src=x onerror=alert(1)>

[p](other.md#c) [s](../src/a.ts) [j](javascript:alert(1)) [w](https://example.org) ![i](p.svg)
a<br>b <!-- no -->`;
  const files = { "docs/a.md": markdown, "docs/other.md": "", "docs/p.svg": "" };
  const place = await createWorkplace({ "README.md": "", "CHANGELOG.md": "", "CONTRIBUTING.md": "", ...files });
  const page = String((await makeDocs(place.path("."))).get("docs/a.html"));
  await place.remove();
  const body = page.slice(page.indexOf("<main>"));
  expect(body).toContain("&lt;img src=x onerror=alert(1)&gt;");
  expect(body).toContain(
    '<a href="other.html#c">p</a> s j <a href="https://example.org">w</a> <img src="p.svg" alt="i">',
  );
  expect(body).toContain("a<br>b ");
  expect(body).not.toMatch(/<i>|javascript|no --/);
  expect(page).toContain('href="../index.html"');
});

test("each link and each picture of the documents is there", async () => {
  const files = await makeDocs(resolve("."));
  const dead: string[] = [];
  const pages = [...files].filter((file): file is [string, string] => typeof file[1] === "string");
  for (const [name, page] of pages) {
    for (const [, address] of page.slice(page.indexOf("<main>")).matchAll(/(?:href|src)="([^"]*)"/g)) {
      if (/^(https?|mailto):/.test(address!)) continue;
      const [path = "", anchor] = address!.split("#");
      const target = path === "" ? page : files.get(posix.join(posix.dirname(name), path));
      const isThere = anchor === undefined || (typeof target === "string" && target.includes(`id="${anchor}"`));
      if (target === undefined || !isThere) dead.push(`${name}: ${address}`);
    }
  }
  expect(dead).toEqual([]);
  expect(pages.length).toBeGreaterThan(20);
});
