import { ink } from "./colours.ts";
import { escapeXml } from "./text.ts";

export const fontFamily = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK JP", sans-serif';

/** Wraps drawn SVG content into a whole document: white ground, title and description for those who cannot see it. */
export function standalone(content: string, { width, height, title, caption }: DrawingFrame): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
    ` role="img" aria-label="${escapeXml(title)}" font-family="${escapeXml(fontFamily)}" font-size="11" fill="${ink}"` +
    ` color="${ink}" style="max-width:100%;height:auto"><title>${escapeXml(title)}</title>` +
    `<desc>${escapeXml(caption)}</desc><rect width="${width}" height="${height}" fill="#fff"/>${content}</svg>\n`
  );
}

/** What Plot drew, to be placed in a document of ours: its root's text settings stay, its style sheet goes. */
export function plotContent(drawing: { readonly innerHTML: string }): string {
  const content = drawing.innerHTML.replace(/<style>.*?<\/style>/s, "");
  return `<g text-anchor="middle" fill="currentColor">${content}</g>`;
}

interface DrawingFrame {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly caption: string;
}
