import { Save } from "../save/save.tsx";
import { subject } from "../state.ts";
import { Curves } from "./curves.tsx";
import { SideBySide } from "./side-by-side.tsx";
import { SingularValues } from "./singular-values.tsx";
import { Taps } from "./taps.tsx";

/** Which directions survive to each tap, and how long they arrive. */
export function Spectra() {
  if (subject.value === undefined) return null;
  return (
    <section>
      <h2>Layer by layer</h2>
      <p>
        From layer to layer fewer directions survive: the curves fall ever more steeply. Where a curve is above 1 a
        change grows, where it is below it shrinks.
      </p>
      <div class="spectra">
        <Taps />
        <Curves />
        <SingularValues />
      </div>
      <SideBySide />
      <Save />
    </section>
  );
}
