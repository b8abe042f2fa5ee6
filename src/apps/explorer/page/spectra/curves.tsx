import { computed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { spectraFigure, type TapUnits } from "../../../../figures/index.ts";
import { picture, subject } from "../state.ts";
import { spectrumKey } from "../subject.ts";
import { indexScale, ofInterest, showsAll } from "./interest.ts";

/** The spectra of the taps that are ticked: of one picture, or of all pictures whose spectra are known. */
const units = computed<TapUnits[]>(() => {
  const { network, pictures, spectra } = subject.value!;
  const shown = showsAll.value ? pictures.map((_, i) => i) : [picture.value];
  return network.taps
    .filter(({ name }) => ofInterest.value.has(name))
    .map(({ name }) => ({
      tap: name,
      units: shown.flatMap((i) => {
        const unit = spectra.value.get(spectrumKey(i, name));
        return unit === undefined ? [] : [{ input: pictures[i]!.name, unit }];
      }),
    }));
});

/** The paper's figure 3 of this network, as wide as its place. */
export function Curves() {
  const place = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(760);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.round(Math.min(1000, Math.max(300, entry!.contentRect.width - 16)))),
    );
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  const { svg, caption } = spectraFigure(units.value, {
    document,
    from: subject.value!.network.source.name,
    width,
    indexScale: indexScale.value,
  });
  return (
    <figure class="curves" ref={place}>
      <div class="choices">
        <label>
          <input type="checkbox" checked={showsAll.value} onChange={() => (showsAll.value = !showsAll.value)} /> all
          pictures, as quantiles
        </label>
        <label>
          <input
            type="checkbox"
            checked={indexScale.value === "log"}
            onChange={() => (indexScale.value = indexScale.value === "log" ? "linear" : "log")}
          />{" "}
          logarithmic index
        </label>
      </div>
      <div class="paper" dangerouslySetInnerHTML={{ __html: svg }} />
      <figcaption>
        <details>
          <summary>What is drawn</summary>
          {caption}
        </details>
      </figcaption>
    </figure>
  );
}
