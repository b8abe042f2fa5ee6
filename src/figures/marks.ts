import type { RenderFunction } from "@observablehq/plot";
import { markerPath } from "./markers.ts";
import type { Picture } from "./picture.ts";
import { elementsOf } from "./svg-element.ts";

interface PlacedPoint {
  readonly x: number | string;
  readonly y: number;
}

/**
 * A marker of one shape at each point. It is filled and has a thin white edge, so that markers that touch can be told
 * apart.
 */
export function markersAt(
  points: readonly PlacedPoint[],
  { shape, radius, colour }: { readonly shape: number; readonly radius: number; readonly colour: string },
): RenderFunction {
  return (_index, scales, _values, _dimensions, { document }) => {
    const places = points.map(({ x, y }) => markerPath(shape, radius, Number(scales.x?.(x)), Number(scales.y?.(y))));
    return elementsOf(document)("path", { d: places.join(""), fill: colour, stroke: "#fff", "stroke-width": 0.6 });
  };
}

/** A small picture at each point: the point's image, in a frame of the colour of its kind. */
export function thumbnailsAt(
  points: readonly (PlacedPoint & { readonly picture: Picture; readonly id: string })[],
  { side, colour }: { readonly side: number; readonly colour: string },
): RenderFunction {
  return (_index, scales, _values, _dimensions, { document }) => {
    const create = elementsOf(document);
    const group = create("g", { "aria-label": "pictures", stroke: colour, "stroke-width": 2, fill: "none" });
    for (const { x, y, picture, id } of points) {
      const [left, top] = [Number(scales.x?.(x)) - side / 2, Number(scales.y?.(y)) - side / 2].map(
        (at) => Math.round(at * 10) / 10,
      );
      const scale = [side / picture.width, side / picture.height].map((factor) => Math.round(factor * 1000) / 1000);
      group.appendChild(
        create("use", { href: `#${id}`, transform: `translate(${left} ${top}) scale(${scale.join(" ")})` }),
      );
      group.appendChild(create("rect", { x: left!, y: top!, width: side, height: side }));
    }
    return group;
  };
}
