import { useRef } from "preact/hooks";
import { chartFigure } from "../../../../figures/index.ts";
import type { Chart } from "../../../../results/index.ts";
import { Drawn } from "../drawn.tsx";
import { zoomOfLetters } from "../zoom.ts";
import { useWidth } from "./use-width.ts";

/** A chart, as wide as its place. */
export function PanelDrawing({ chart }: { readonly chart: Chart }) {
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place);
  const { svg, caption } = chartFigure(chart, { document, width });
  return (
    <figure ref={place}>
      <div class="paper">
        <div class="drawing" style={{ width: `${width * zoomOfLetters()}px` }}>
          <Drawn svg={svg} />
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
