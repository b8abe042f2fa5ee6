import type { RenderFunction } from "@observablehq/plot";

type Document = Parameters<RenderFunction>[4]["document"];

/** Creates elements of a drawing with their attributes. */
export const elementsOf =
  (document: Document) => (tag: string, attributes: Readonly<Record<string, string | number>>) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
    return element;
  };
