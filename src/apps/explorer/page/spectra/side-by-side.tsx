import { useEffect } from "preact/hooks";
import { formatNumber } from "../../../../base/index.ts";
import { Scrolls } from "../scrolls.tsx";
import { subject, tap, tell } from "../state.ts";
import { spectrumKey } from "../subject.ts";
import { namesOf, type Pair, pair, tapsOf, titleOf, unitsOf } from "./aside.ts";
import { comparison } from "./comparison.ts";
import { aside } from "./interest.ts";
import { PanelDrawing } from "./panel-drawing.tsx";
import { completeOf, ratiosOf } from "./ratios.ts";

/** What was put aside and what is shown, tap by tap on common axes, with the ratios of their σ. */
export function SideBySide() {
  const kept = aside.value;
  const both = pair.value;
  // The stored spectra of the picture that was put aside are read when they are needed.
  useEffect(() => {
    if (both !== undefined) both.a.subject.look(both.a.picture).catch(tell);
  }, [both?.a.subject, both?.a.picture]);
  if (kept === undefined) return null;
  return (
    <section class="beside" aria-labelledby="beside">
      <h3 id="beside">Side by side</h3>
      <p>
        <b>A</b>, put aside: {titleOf(both?.a ?? kept)}
      </p>
      <p>
        {both === undefined ? (
          "Now open another network, run or checkpoint, or choose another picture: it is shown beside this one as B."
        ) : (
          <>
            <b>B</b>, shown: {titleOf(both.b)}
          </>
        )}
      </p>
      {both !== undefined && <Both both={both} />}
    </section>
  );
}

function Both({ both }: { readonly both: Pair }) {
  const taps = tapsOf(both);
  const chart = comparison(namesOf(both), unitsOf(both.a, taps), unitsOf(both.b, taps));
  return (
    <>
      {chart === undefined ? (
        <p class="soft">
          No spectrum of the taps that are drawn is known, of A or of B.{!both.b.subject.isRun && " Press Compute."}
        </p>
      ) : (
        <PanelDrawing chart={chart} />
      )}
      <Ratios both={both} />
    </>
  );
}

/** The ratios of the σ of both at the tap that is looked at, each at its picture. */
function Ratios({ both: { a, b } }: { readonly both: Pair }) {
  const [ofA, ofB] = [a, b].map(({ subject: { spectra }, picture }) =>
    spectra.value.get(spectrumKey(picture, tap.value)),
  );
  if (ofA === undefined || ofB === undefined) {
    const missing = ofA === undefined ? (ofB === undefined ? "A and B" : "A") : "B";
    return (
      <p class="soft">
        The ratios of σ at {tap.value} need its spectrum of {missing}, which is not known.
      </p>
    );
  }
  const complete = Math.min(completeOf(ofA), completeOf(ofB));
  return (
    <>
      <p>
        Each certificate says that J has a true singular value within the residual of σ, or within the floor if that is
        larger. So the ratio of the true ones lies between the bounds.{" "}
        {complete > 0 ? (
          <>
            Up to index {complete}, both certificates also say that no larger σ was missed
            {[ofA, ofB].some(({ missed }) => missed.kind === "probable") &&
              ", but for the failure probability that they state"}
            .
          </>
        ) : (
          <>The certificates do not say that no larger σ was missed.</>
        )}
      </p>
      <Scrolls name="Ratios of singular values">
        <table class="ratios">
          <caption>
            Ratios of singular values at {tap.value}, {subject.value!.pictures[b.picture]!.name}
          </caption>
          <thead>
            <tr>
              <th scope="col">index</th>
              <th scope="col">σ of A</th>
              <th scope="col">σ of B</th>
              <th scope="col">B / A</th>
              <th scope="col">at least</th>
              <th scope="col">at most</th>
            </tr>
          </thead>
          <tbody>
            {ratiosOf(ofA, ofB).map(({ a, b, ratio, low, high }, i) => (
              <tr key={i}>
                <th scope="row">{i + 1}</th>
                <td title={String(a)}>{formatNumber(a, 6)}</td>
                <td title={String(b)}>{formatNumber(b, 6)}</td>
                <td title={ratio === undefined ? "a σ is below the floor" : String(ratio)}>
                  {ratio === undefined ? "–" : formatNumber(ratio, 6)}
                </td>
                <td title={String(low)}>{formatNumber(low, 6)}</td>
                <td title={String(high)}>{high === Number.POSITIVE_INFINITY ? "∞" : formatNumber(high, 6)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </>
  );
}
