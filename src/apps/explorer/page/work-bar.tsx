import { compute, count, session } from "./own/computing.ts";
import { cancel, running, share } from "./own/work.ts";
import { subject } from "./state.ts";
import { Status } from "./status.tsx";

/** Stays in sight: what the page is doing, how far it is, and what starts and ends it. */
export function WorkBar() {
  const isBusy = running.value !== undefined;
  const needsPictures = session.value !== undefined && session.value.pictures.value.length === 0;
  const isOfRun = subject.value?.isRun ?? false;
  return (
    <section class="work" aria-label="Work">
      <div>
        <Status />
        {isBusy && (
          <progress
            aria-label="Work under way"
            max={1}
            {...(share.value === undefined ? {} : { value: share.value })}
          />
        )}
        <label class="count">
          Values per tap
          <input
            type="number"
            min={1}
            max={2000}
            value={count.value}
            onChange={({ currentTarget }) => {
              count.value = Math.max(1, Math.round(Number(currentTarget.value) || 1));
            }}
          />
        </label>
        <button
          type="button"
          class="main"
          disabled={isBusy || needsPictures || isOfRun || subject.value === undefined}
          onClick={compute}
        >
          Compute
        </button>
        <button type="button" disabled={!isBusy} onClick={cancel}>
          Cancel
        </button>
      </div>
    </section>
  );
}
