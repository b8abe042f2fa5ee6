import { ink } from "./colours.ts";
import { escapeXml } from "./text.ts";

/** A drawing that is less wide than this many pixels is for a phone. */
export const NARROW = 560;

export const fontFamily = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK JP", sans-serif';

/**
 * Wraps drawn SVG content into a whole document with a white background, and with a title and description for screen
 * readers.
 */
export function standalone(content: string, { width, height, title, caption }: DrawingFrame): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
    ` role="img" aria-label="${escapeXml(title)}" font-family="${escapeXml(fontFamily)}" font-size="11" fill="${ink}"` +
    ` color="${ink}" style="max-width:100%;height:auto"><title>${escapeXml(title)}</title>` +
    `<desc>${escapeXml(caption)}</desc><rect width="${width}" height="${height}" fill="#fff"/>${content}</svg>\n`
  );
}

/**
 * What Plot drew, as a part of our document. The text settings of its root element stay, and its style sheet is
 * removed.
 */
export function plotContent(drawing: { readonly innerHTML: string }): string {
  const content = drawing.innerHTML.replace(/<style>.*?<\/style>/s, "");
  return `<g text-anchor="middle" fill="currentColor">${content}</g>`;
}

/** A figure as a part of a page. Only the whole of it has a name: its groups and marks may have none, though Plot gives them one. */
export const inlineSvg = (svg: string): string => svg.replace(/(<(?!svg\b)[^>]*?) aria-label="[^"]*"/g, "$1");

interface DrawingFrame {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly caption: string;
}
