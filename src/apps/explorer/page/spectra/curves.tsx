import { computed } from "@preact/signals";
import type { TapUnits } from "../../../../figures/index.ts";
import { picture, subject } from "../state.ts";
import { drawnTaps, unitsOf } from "./aside.ts";
import { Drawing } from "./drawing.tsx";
import { aside, indexScale, ofInterest, showsAll, sigmaScale } from "./interest.ts";

/** The spectra that are drawn: of one picture, or of all pictures whose spectra are known. */
const units = computed<TapUnits[]>(() => {
  const shown = subject.value!;
  return unitsOf({ subject: shown, picture: picture.value }, drawnTaps(shown));
});

/** The spectra, and how they are drawn. */
export function Curves() {
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
        <button
          type="button"
          class="plain"
          onClick={() => {
            aside.value = { subject: subject.value!, picture: picture.value, ticked: ofInterest.value };
          }}
        >
          Put aside, to compare
        </button>
        {aside.value !== undefined && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              aside.value = undefined;
            }}
          >
            Remove what is aside
          </button>
        )}
      </div>
      <Drawing units={units.value} from={subject.value!.network.source.name} />
    </div>
  );
}
