const empty = new Set([
  "area",
  "base",
  "br",
  "col",
  "embed",
  "hr",
  "img",
  "input",
  "link",
  "meta",
  "source",
  "track",
  "wbr",
]);

/** The first place where the tags of a page do not nest, in words; `undefined` where all do. */
export function firstBadNesting(page: string): string | undefined {
  const open: string[] = [];
  const content = page.replace("<!doctype html>", "").replace(/<style>.*?<\/style>/s, "");
  for (const match of content.matchAll(/<(\/?)([A-Za-z][\w-]*)((?:[^<>"]|"[^"]*")*?)(\/?)>|</g)) {
    const [whole, closing, name, , self] = match;
    if (name === undefined) return `a bare < before: ${content.slice(match.index, match.index + 40)}`;
    if (closing === "/") {
      const expected = open.pop();
      if (expected !== name) return `${whole} closes <${expected}>: ${content.slice(match.index - 60, match.index)}`;
    } else if (self !== "/" && !empty.has(name)) open.push(name);
  }
  return open.length > 0 ? `never closed: ${open.join(" ")}` : undefined;
}

/** Every address that a browser would fetch or follow: of src, href, url(), @import and the like. */
export function addressesIn(page: string): string[] {
  const attributes = page.matchAll(/\s(?:src|href|xlink:href|srcset|action|data|poster)="([^"]*)"/g);
  const styles = page.matchAll(/(?:url\(|@import)\s*["']?([^"')\s]*)/g);
  return [...attributes, ...styles].map(([, address]) => address as string);
}
