import { findSmallestSteps } from "../own/find-smallest-steps.ts";
import { running } from "../own/work.ts";
import { subject } from "../state.ts";

/** The button that has the smallest steps found, where the network is here to find them. */
export function FindSteps() {
  if (subject.value?.findSmallestStep === undefined) return null;
  return (
    <p>
      <button type="button" disabled={running.value !== undefined} onClick={findSmallestSteps}>
        Find the smallest steps
      </button>
    </p>
  );
}
