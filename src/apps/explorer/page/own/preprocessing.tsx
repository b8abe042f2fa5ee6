import { formatShare } from "../../../../base/index.ts";
import { prepareBy, session } from "./computing.ts";

/** How the pictures are prepared for the network, why so, and what looks wrong about it. */
export function Preprocessing() {
  const opened = session.value;
  if (opened === undefined) return null;
  const { presets } = opened.description;
  const answer = opened.answer.value;
  const preprocessing = answer?.preprocessing ?? opened.description.preprocessing;
  const accuracy = answer?.accuracy;
  return (
    <div class="preprocessing">
      <p>
        <label>
          Preprocessing{" "}
          <select
            value={preprocessing.name ?? ""}
            onChange={({ currentTarget }) => {
              if (currentTarget.value !== "") prepareBy(currentTarget.value);
            }}
          >
            {preprocessing.name === undefined && <option value="">choose one</option>}
            {preprocessing.name !== undefined && presets.every(({ name }) => name !== preprocessing.name) && (
              <option value={preprocessing.name}>{preprocessing.name}</option>
            )}
            {presets.map(({ name, fits }) => (
              <option key={name} value={name} disabled={!fits}>
                {name}
                {fits ? "" : " (another shape)"}
              </option>
            ))}
          </select>
        </label>
      </p>
      <p class={preprocessing.isUnsure ? "warning" : "soft"}>{preprocessing.reason}</p>
      {accuracy !== undefined && (
        <p>
          Classified correctly: {accuracy.right} of {accuracy.of} ({formatShare(accuracy.right / accuracy.of)}).
        </p>
      )}
      {answer?.warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
    </div>
  );
}
