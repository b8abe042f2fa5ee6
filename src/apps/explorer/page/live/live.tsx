import type { LiveState } from "../../../progress/live-state.ts";
import { Scrolls } from "../scrolls.tsx";
import { live } from "./follow.ts";

/** How far the run is that is shown: what is done, what failed and why, and what is being computed where. */
export function Live() {
  if (live.value === undefined) return null;
  const { state, report, isLost } = live.value;
  const { isFinished, share, summary, trouble } = state;
  return (
    <section class="live" aria-labelledby="live">
      <h2 id="live">{isFinished ? "The run is finished" : "The run is going on"}</h2>
      <p>
        {summary}.{!isFinished && " Spectra appear below when they are stored."} <a href={report}>Report of the run</a>
      </p>
      {!isFinished && <progress aria-labelledby="live" max={1} value={share} />}
      {isLost && (
        <p class="wrong">The server does not answer: what is shown may be old. Is pushforward view running?</p>
      )}
      {trouble !== undefined && <p class="wrong">The store could not be read at the last look: {trouble}</p>}
      <Running units={state.running} />
      <Failures lines={state.failures} />
      <details>
        <summary>Tap by tap</summary>
        <Parts parts={state.parts} />
      </details>
    </section>
  );
}

function Running({ units }: { readonly units: LiveState["running"] }) {
  if (units.length === 0) return null;
  return (
    <>
      <h3>Computed at this moment</h3>
      <ul>
        {units.map(({ unit, worker, since }) => (
          <li key={`${worker} ${unit}`}>
            <b>{unit}</b> on {worker}, since {new Date(since).toLocaleString("en-GB")}
          </li>
        ))}
      </ul>
    </>
  );
}

/** So many are in sight; others have to be opened. */
const MOST = 5;

function Failures({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  const list = (
    <ul>
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
  return (
    <>
      <h3>Without a result</h3>
      {lines.length <= MOST ? (
        list
      ) : (
        <details>
          <summary>{lines.length} reasons</summary>
          {list}
        </details>
      )}
    </>
  );
}

function Parts({ parts }: Pick<LiveState, "parts">) {
  return (
    <Scrolls name="Progress of each tap">
      <table>
        <caption>Units of each tap</caption>
        <thead>
          <tr>
            {["tap", "done", "failed", "left", "time left"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {parts.map(({ name, done, failed, left, timeLeft }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{done}</td>
              <td>{failed}</td>
              <td>{left}</td>
              <td>{timeLeft}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolls>
  );
}
