import { useRef } from "preact/hooks";
import { spectraFigure, type TapUnits } from "../../../../figures/index.ts";
import { Drawn } from "../drawn.tsx";
import { zoomOfLetters } from "../zoom.ts";
import { Hover } from "./hover.tsx";
import { indexScale, sigmaScale } from "./interest.ts";
import { useWidth } from "./use-width.ts";

interface DrawingProps {
  readonly units: readonly TapUnits[];
  readonly from: string;
}

/** The paper's figure 3, as wide as its place, with what stands under the pointer. */
export function Drawing({ units, from }: DrawingProps) {
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place);
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
