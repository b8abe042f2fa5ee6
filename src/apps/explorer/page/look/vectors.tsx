import { formatNumber, subscript } from "../../../../base/index.ts";
import { numericalRankOf } from "../../../../results/index.ts";
import { choice, direction, picture, subject, tap } from "../state.ts";
import { isInnerSource, sameChoice, spectrumKey, type VectorChoice } from "../subject.ts";

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
      <p>
        <b id="vectors">
          Direction of the change{tap.value === network.output.name ? "" : `, by what it does at ${tap.value}`}
        </b>
        {shown.length > 1 && (
          <span class="soft">
            {" "}
            The network stretches {nameOf(shown[0]!)} most, and {nameOf(shown.at(-1)!)} least.
          </span>
        )}
      </p>
      {shown.map((index) => (
        <Choice
          key={index}
          to={{ tap: tap.value, index }}
          name={nameOf(index)}
          detail={`σ = ${formatNumber(sigma?.[index] ?? Number.NaN)}`}
        />
      ))}
      {!subject.value!.isRun && <Choice to="random" name="random" detail="same length" />}
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
                {nameOf(index)}
              </option>
            ))}
          </select>
        </label>
      )}
      <Meaning known={known.length} />
    </div>
  );
}

const nameOf = (index: number): string => `v${subscript(index + 1)}`;

interface ChoiceProps {
  readonly to: VectorChoice;
  readonly name: string;
  readonly detail: string;
}

function Choice({ to, name, detail }: ChoiceProps) {
  return (
    <label class="chip">
      <input type="radio" name="vector" checked={sameChoice(choice.value, to)} onChange={() => (choice.value = to)} />
      <span>
        <b>{name}</b> <small>{detail}</small>
      </span>
    </label>
  );
}

/** What the chosen vector is, or how to have vectors. */
function Meaning({ known }: { readonly known: number }) {
  const { network, spectra, isRun = false } = subject.value!;
  const { sigma } = direction.value ?? {};
  const unit = spectra.value.get(spectrumKey(picture.value, tap.value));
  const all = unit === undefined ? 0 : numericalRankOf(unit);
  return (
    <p class="soft meaning">
      {known === 0 && !isRun && `The vectors of ${tap.value} are not computed at this picture yet: press Compute. `}
      {known > 0 && known < all && !isRun && `The other vectors of ${tap.value} are not stored: press Compute. `}
      {sigma !== undefined && (
        <>
          σ = {formatNumber(sigma)}: a small change of {isInnerSource(network) ? network.source.name : "the picture"}{" "}
          along this vector reaches {tap.value === network.output.name ? "the scores" : tap.value} {formatNumber(sigma)}{" "}
          times as long.
        </>
      )}
    </p>
  );
}
