import { formatNumber, formatShape } from "../../../../base/index.ts";
import { chooseSource } from "../own/computing.ts";
import { chooseTap, picture, subject, tap } from "../state.ts";
import { spectrumKey } from "../subject.ts";
import { ofInterest } from "./interest.ts";

/** The taps of the network in their order. One is looked at; those with a tick are computed. */
export function Taps() {
  const { network, spectra } = subject.value!;
  return (
    <div class="taps">
      <h3 id="taps">Taps</h3>
      <p class="soft">A tap is a place in the network where its numbers can be read. Choose one.</p>
      {network.sources !== undefined && (
        <label class="source">
          Changes begin at{" "}
          <select value={network.source.name} onChange={({ currentTarget }) => chooseSource(currentTarget.value)}>
            {network.sources.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <ul aria-labelledby="taps">
        {network.taps.map(({ name, op, shape }) => {
          const sigma = spectra.value.get(spectrumKey(picture.value, name))?.sigma[0];
          return (
            <li key={name} class={tap.value === name ? "chosen" : ""}>
              <input
                type="checkbox"
                aria-label={`Include ${name}`}
                checked={ofInterest.value.has(name)}
                onChange={() => toggle(name)}
              />
              <button type="button" aria-pressed={tap.value === name} onClick={() => chooseTap(name)}>
                {name}
              </button>
              <span class="soft">
                {op} {formatShape(shape)}
              </span>
              <span class="number">{sigma === undefined ? "" : `σ₁ ${formatNumber(sigma)}`}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function toggle(name: string): void {
  const next = new Set(ofInterest.value);
  if (!next.delete(name)) next.add(name);
  ofInterest.value = next;
}
