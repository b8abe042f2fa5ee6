import { formatNumber } from "../../../../base/index.ts";
import { numericalRankOf } from "../../../../results/index.ts";
import { live } from "../live/follow.ts";
import { Scrolls } from "../scrolls.tsx";
import { choice, picture, subject, tap } from "../state.ts";
import { type Subject, spectrumKey } from "../subject.ts";

/** The σ of the tap that is looked at, at one picture, each with its residual; a row chooses the vector. */
export function SingularValues() {
  const { network, spectra, vectorsAt } = subject.value!;
  const unit = spectra.value.get(spectrumKey(picture.value, tap.value));
  if (unit === undefined) {
    return (
      <p class="soft values">
        The spectrum of {tap.value} at this picture {whyMissing(subject.value!, picture.value)}.
      </p>
    );
  }
  const rank = numericalRankOf(unit);
  const known = new Set(vectorsAt(picture.value, tap.value));
  return (
    <div class="values">
      <h3>
        J({network.source.name} → {tap.value})
      </h3>
      <p class="soft">
        <b>σ</b> tells how many times as long a small change along v arrives. Of {unit.k} computed, the rank is{" "}
        <b>{rank}</b>: so many σ lie above the floor {formatNumber(unit.floor, 2)} and can be told from zero.
      </p>
      <Scrolls name="Singular values and residuals">
        <table>
          <caption>Singular values</caption>
          <thead>
            <tr>
              <th scope="col">index</th>
              <th scope="col">σ</th>
              <th scope="col">residual</th>
            </tr>
          </thead>
          <tbody>
            {Array.from(unit.sigma, (sigma, i) => (
              <tr key={i} class={unit.status[i] === "below-floor" ? "below" : ""}>
                <th scope="row">
                  {known.has(i) ? (
                    <button
                      type="button"
                      class="plain"
                      aria-pressed={
                        choice.value !== "random" && choice.value.tap === tap.value && choice.value.index === i
                      }
                      onClick={() => {
                        choice.value = { tap: tap.value, index: i };
                      }}
                    >
                      {i + 1}
                    </button>
                  ) : (
                    i + 1
                  )}
                </th>
                <td title={String(sigma)}>{formatNumber(sigma, 6)}</td>
                <td title={unit.status[i]}>{formatNumber(unit.residual[i]!, 2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </div>
  );
}

/** Why a spectrum is not known. */
function whyMissing({ readingOf, isRun }: Subject, picture: number): string {
  const reading = readingOf?.(picture);
  if (reading === "unfinished") return "is being read";
  if (reading === "failed") return "could not be read";
  if (isRun) return live.value?.state.isFinished === false ? "is not stored yet" : "is not stored";
  return "is not computed yet: press Compute";
}
