import { computed, signal } from "@preact/signals";
import type { TapUnits } from "../../../../figures/index.ts";
import { picture, subject } from "../state.ts";
import { spectrumKey } from "../subject.ts";
import { Drawing } from "./drawing.tsx";
import { indexScale, ofInterest, showsAll, sigmaScale } from "./interest.ts";

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

interface Kept {
  readonly title: string;
  readonly from: string;
  readonly units: readonly TapUnits[];
}

/** Spectra that were put aside, to be seen beside others: of another picture, network or run. */
const kept = signal<Kept | undefined>(undefined);

/** The spectra, beside those that were put aside. */
export function Curves() {
  const { network, pictures } = subject.value!;
  const title = `${network.name}, ${showsAll.value ? "all inputs" : pictures[picture.value]!.name}`;
  const from = network.source.name;
  return (
    <div class="curves">
      <div class="choices">
        <label>
          <input type="checkbox" checked={showsAll.value} onChange={() => (showsAll.value = !showsAll.value)} />{" "}
          quantiles over all
        </label>
        <label>
          <input
            type="checkbox"
            checked={indexScale.value === "log"}
            onChange={() => (indexScale.value = indexScale.value === "log" ? "linear" : "log")}
          />{" "}
          logarithmic index
        </label>
        <label>
          <input
            type="checkbox"
            checked={sigmaScale.value === "linear"}
            onChange={() => (sigmaScale.value = sigmaScale.value === "log" ? "linear" : "log")}
          />{" "}
          linear σ
        </label>
        <button type="button" class="plain" onClick={() => (kept.value = { title, from, units: units.value })}>
          Put aside, to compare
        </button>
        {kept.value !== undefined && (
          <button type="button" class="plain" onClick={() => (kept.value = undefined)}>
            Remove what is aside
          </button>
        )}
      </div>
      <div class={kept.value === undefined ? "" : "side-by-side"}>
        {kept.value !== undefined && (
          <Drawing units={kept.value.units} from={kept.value.from} title={kept.value.title} />
        )}
        <Drawing units={units.value} from={from} {...(kept.value === undefined ? {} : { title })} />
      </div>
    </div>
  );
}
