import { signal } from "@preact/signals";
import { formatNumber, formatShare, subscript } from "../../../../base/index.ts";
import { Canvas } from "../look/canvas.tsx";
import { Scrolls } from "../scrolls.tsx";
import { picture, subject, tap } from "../state.ts";
import { type SmallestStep, type Subject, spectrumKey } from "../subject.ts";
import { FindSteps } from "./find-steps.tsx";

type Order = "as given" | "σ₁" | "margin" | "step";

const order = signal<Order>("as given");

/** All pictures, with how far each is stretched, how sure the network is, and how small a step changes its class; and those that failed. */
export function PicturesTable() {
  const shown = subject.value;
  if (shown === undefined) return null;
  const rows = sorted(shown, tap.value);
  return (
    <section>
      <h2>All pictures</h2>
      <p>
        A large σ₁ with a small margin marks a picture whose class a small change can turn. The margin is the highest
        score minus the second; the step is the shortest along ±v at {tap.value} that changes the class.
      </p>
      <FindSteps />
      <Scrolls name="Classes, σ₁, margins and steps" class="wide">
        <table class="pictures">
          <thead>
            <tr>
              <th scope="col">picture</th>
              <th scope="col">true class</th>
              <th scope="col">network says</th>
              <Sortable by="σ₁">σ₁ at {tap.value}</Sortable>
              <Sortable by="margin">margin</Sortable>
              <Sortable by="step">smallest step</Sortable>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.number} {...row} />
            ))}
          </tbody>
        </table>
      </Scrolls>
      <Unusable files={shown.unusable} />
    </section>
  );
}

interface RowFacts {
  readonly number: number;
  readonly sigma?: number;
  readonly margin?: number;
  /** `none` if no vector changes the class within the range; absent if it was not looked for. */
  readonly step?: SmallestStep | "none";
}

function sorted({ pictures, firstSigma, smallestSteps }: Subject, at: string): RowFacts[] {
  const rows = pictures.map(({ margin }, number): RowFacts => {
    const sigma = firstSigma(number, at);
    const step = smallestSteps.value.get(spectrumKey(number, at));
    return { number, ...(sigma && { sigma }), ...(margin !== undefined && { margin }), ...(step && { step }) };
  });
  const last = Number.POSITIVE_INFINITY;
  const keys: Readonly<Record<Order, (row: RowFacts) => number>> = {
    "as given": ({ number }) => number,
    "σ₁": ({ sigma }) => -(sigma ?? -last),
    margin: ({ margin }) => margin ?? last,
    step: ({ step }) => (step === undefined || step === "none" ? last : Math.abs(step.epsilon)),
  };
  const key = keys[order.value];
  return rows.sort((a, b) => key(a) - key(b) || a.number - b.number);
}

function Sortable({ by, children }: { readonly by: Order; readonly children: preact.ComponentChildren }) {
  const isChosen = order.value === by;
  return (
    <th scope="col" class="number" aria-sort={isChosen ? (by === "σ₁" ? "descending" : "ascending") : "none"}>
      <button
        type="button"
        class="plain"
        aria-pressed={isChosen}
        onClick={() => (order.value = isChosen ? "as given" : by)}
      >
        {children}
      </button>
    </th>
  );
}

function Row({ number, sigma, margin, step }: RowFacts) {
  const { name, label, predicted, isRight, pixels, top } = subject.value!.pictures[number]!;
  return (
    <tr class={picture.value === number ? "chosen" : ""}>
      <th scope="row">
        <span class="mini">
          <Canvas pixels={pixels} label="" />
        </span>
        <button type="button" class="plain" onClick={() => (picture.value = number)}>
          {name}
        </button>
      </th>
      <td>{label ?? "–"}</td>
      <td
        class={isRight === false ? "wrong" : ""}
        title={top?.map((other) => `${other.name} ${formatShare(other.share)}`).join("\n")}
      >
        {predicted ?? "–"}
        {top?.[0] !== undefined && <span class="soft"> {formatShare(top[0].share)}</span>}
        {isRight === false && " ✗"}
      </td>
      <td class="number">{sigma === undefined ? "–" : formatNumber(sigma)}</td>
      <td class="number">{margin === undefined ? "–" : formatNumber(margin)}</td>
      <td class="number">
        {step === undefined
          ? "–"
          : step === "none"
            ? "none found"
            : `ε = ${formatNumber(step.epsilon)} along v${subscript(step.index + 1)} → ${step.class}`}
      </td>
    </tr>
  );
}

function Unusable({ files }: { readonly files: Subject["unusable"] }) {
  if (files.length === 0) return null;
  return (
    <>
      <h3>Files that cannot be used</h3>
      <ul>
        {files.map(({ name, why }) => (
          <li key={name}>
            <b>{name}</b>: {why}
          </li>
        ))}
      </ul>
    </>
  );
}
