// The documents as pages of the explorer's site: README, CHANGELOG, CONTRIBUTING and all of docs/, with their pictures.
import { readdir, readFile } from "node:fs/promises";
import { join, posix, relative, sep } from "node:path";
import { Marked, Renderer, type RendererObject, type Tokens } from "marked";

const policy = "default-src 'none'; img-src 'self' data:; style-src 'self'; base-uri 'none'; form-action 'none'";

/** The files of the documents of a repository, by their names in the site. */
export async function makeDocs(root: string): Promise<Map<string, string | Uint8Array>> {
  const inDocs = (await readdir(join(root, "docs"), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
  const names = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", ...inDocs];
  const known = new Set(names);
  const files = new Map<string, string | Uint8Array>();
  for (const name of names) {
    const bytes = await readFile(join(root, name));
    if (name.endsWith(".md")) files.set(nameInSite(name), pageOf(name, bytes.toString("utf8"), known));
    else files.set(name, bytes);
  }
  return files;
}

/**
 * A Markdown file as a page. Links to other Markdown files lead to their pages; what lies outside of the site is not linked. Markup in
 * the file is text, but for line breaks; comments are left out.
 *
 * @param known the files that the site has, by their paths from the root
 */
function pageOf(name: string, markdown: string, known: ReadonlySet<string>): string {
  const marked = new Marked({ gfm: true, renderer: rendererOf(name, known) });
  const body = marked.parse(markdown, { async: false });
  const title = /^# (.+)$/m.exec(markdown)?.[1]?.replaceAll("`", "") ?? name;
  const up = posix.relative(posix.dirname(name), ".") || ".";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} – Pushforward</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${up}/docs/docs.css">
</head>
<body>
<nav><a href="${up}/index.html">Explorer</a> <a href="${up}/README.html">Pushforward</a> <a href="${up}/docs/how-it-works.html">How it works</a> <a href="${up}/docs/command-line.html">Command line</a> <a href="${up}/docs/paper.html">The paper, claim by claim</a></nav>
<main>
${body}</main>
</body>
</html>
`;
}

function rendererOf(page: string, known: ReadonlySet<string>): RendererObject {
  const ids = new Map<string, number>();
  return {
    heading({ tokens, depth, text }) {
      const anchor = anchorOf(text);
      const before = ids.get(anchor) ?? 0;
      ids.set(anchor, before + 1);
      const id = before === 0 ? anchor : `${anchor}-${before}`;
      return `<h${depth} id="${escaped(id)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
    },
    // What is wider than a narrow page scrolls by itself, and can be scrolled by keys.
    code({ text, lang = "" }) {
      return `<pre tabindex="0"><code class="${escaped(lang)}">${escaped(text)}\n</code></pre>\n`;
    },
    table(token) {
      return `<div class="wide" tabindex="0">${new Renderer().table.call(this, token)}</div>\n`;
    },
    paragraph({ tokens }) {
      const inner = this.parser.parseInline(tokens);
      const [first] = tokens;
      const picture = tokens.length === 1 && first?.type === "image" ? (first as Tokens.Image).href : undefined;
      return picture !== undefined && known.has(fileOf(picture, page))
        ? `<figure class="wide"><a href="${escaped(picture)}">${inner}</a></figure>\n`
        : `<p>${inner}</p>\n`;
    },
    html({ text }) {
      return text
        .replace(/<!--[\s\S]*?-->/g, "")
        .split(/(<br>)/)
        .map((part) => (part === "<br>" ? part : escaped(part)))
        .join("");
    },
    link({ href, tokens }) {
      const inner = this.parser.parseInline(tokens);
      const to = addressOf(href, page, known);
      return to === undefined ? inner : `<a href="${escaped(to)}">${inner}</a>`;
    },
    image({ href, text }) {
      return known.has(fileOf(href, page)) ? `<img src="${escaped(href)}" alt="${escaped(text)}">` : escaped(text);
    },
  };
}

/** Where a link of a page leads in the site; undefined if that is not part of it. */
function addressOf(href: string, page: string, known: ReadonlySet<string>): string | undefined {
  if (/^(https?|mailto):/.test(href) || href.startsWith("#")) return href;
  if (!known.has(fileOf(href, page))) return undefined;
  const [path = "", anchor] = href.split("#");
  return `${nameInSite(path)}${anchor === undefined ? "" : `#${anchor}`}`;
}

const fileOf = (href: string, page: string): string => posix.join(posix.dirname(page), href.split("#")[0]!);

const nameInSite = (name: string): string => name.replace(/\.md$/, ".html");

/** The anchor of a heading, as GitHub gives it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
