import { formatNumber, subscript } from "../../../../base/index.ts";
import { choice, direction, picture, subject, tap } from "../state.ts";
import { sameChoice, spectrumKey, type VectorChoice } from "../subject.ts";

/** So many vectors have a button each; of more, only the first and the last. */
const MOST = 10;
const FIRST = 6;

/** The vectors that can be stepped along: the first ones at the tap, the last, and a random one of the same length. */
export function Vectors() {
  const { network, spectra } = subject.value!;
  const sigma = spectra.value.get(spectrumKey(picture.value, tap.value))?.sigma;
  const known = subject.value!.vectorsAt(picture.value, tap.value);
  const shown = known.filter((index, i) => known.length <= MOST || i < FIRST || index === known.at(-1));
  const { value } = choice;
  return (
    <div class="vectors" role="radiogroup" aria-labelledby="vectors">
      <b id="vectors">
        Direction of the change{tap.value === network.output.name ? "" : `, by what it does at ${tap.value}`}
      </b>
      {shown.map((index, i) => (
        <Choice
          key={index}
          to={{ tap: tap.value, index }}
          name={`v${subscript(index + 1)}`}
          detail={`σ = ${formatNumber(sigma?.[index] ?? Number.NaN)}`}
          hint={hintFor(i, shown.length)}
        />
      ))}
      {!(direction.value?.epsilons.length === 1) && (
        <Choice to="random" name="random" detail="same length" hint="A random direction of the same length." />
      )}
      {known.length > shown.length && (
        <label class="other">
          other:{" "}
          <select
            value={value === "random" ? "" : String(value.index)}
            onChange={({ currentTarget }) => {
              choice.value = { tap: tap.value, index: Number(currentTarget.value) };
            }}
          >
            {known.map((index) => (
              <option key={index} value={String(index)}>
                v{subscript(index + 1)}
              </option>
            ))}
          </select>
        </label>
      )}
      {direction.value === undefined && known.length === 0 && (
        <p class="soft">The vectors of {tap.value} are not computed at this picture yet: press Compute.</p>
      )}
    </div>
  );
}

const hintFor = (place: number, count: number): string =>
  place === 0
    ? "The direction that the network stretches most."
    : place === count - 1
      ? "The direction that it stretches least, of those that can be told from zero."
      : "";

interface ChoiceProps {
  readonly to: VectorChoice;
  readonly name: string;
  readonly detail: string;
  readonly hint: string;
}

function Choice({ to, name, detail, hint }: ChoiceProps) {
  return (
    <label class="chip" title={hint}>
      <input type="radio" name="vector" checked={sameChoice(choice.value, to)} onChange={() => (choice.value = to)} />
      <span>
        <b>{name}</b> <small>{detail}</small>
      </span>
    </label>
  );
}
