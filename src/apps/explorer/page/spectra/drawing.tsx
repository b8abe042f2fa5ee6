import { useEffect, useRef, useState } from "preact/hooks";
import { spectraFigure, type TapUnits } from "../../../../figures/index.ts";
import { Drawn } from "../drawn.tsx";
import { zoomOfLetters } from "../zoom.ts";
import { Hover } from "./hover.tsx";
import { indexScale, sigmaScale } from "./interest.ts";

/** Widths of a drawing where letters are of the common size, in pixels, and what its frame takes. */
const [LEAST, MOST, FRAME] = [280, 1000, 18];

interface DrawingProps {
  readonly units: readonly TapUnits[];
  readonly from: string;
  /** What is drawn, where several drawings stand side by side. */
  readonly title?: string;
}

/** The paper's figure 3, as wide as its place, with what stands under the pointer. */
export function Drawing({ units, from, title }: DrawingProps) {
  const place = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(760);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.round(Math.min(MOST, Math.max(LEAST, (entry!.contentRect.width - FRAME) / zoomOfLetters())))),
    );
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  const {
    svg,
    caption,
    place: placeOf,
  } = spectraFigure(units, {
    document,
    from,
    width,
    indexScale: indexScale.value,
    sigmaScale: sigmaScale.value,
  });
  return (
    <figure ref={place}>
      {title !== undefined && <b>{title}</b>}
      <div class="paper">
        <div class="drawing" style={{ width: `${width * zoomOfLetters()}px` }}>
          <Drawn svg={svg} />
          <Hover units={units} place={placeOf} />
        </div>
      </div>
      <figcaption>
        <details>
          <summary>What is drawn</summary>
          {caption}
        </details>
      </figcaption>
    </figure>
  );
}
