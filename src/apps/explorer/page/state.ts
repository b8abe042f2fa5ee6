import { batch, computed, effect, signal } from "@preact/signals";
import { messageOf, PushforwardError } from "../../../base/index.ts";
import { aside, ofInterest, showsAll } from "./spectra/interest.ts";
import { type Direction, type Frame, type Subject, sameChoice, type VectorChoice } from "./subject.ts";

/** So many curves are drawn at first. */
const MOST_CURVES = 16;

/** What the status region says. A trouble says what happened and what to do. */
export interface Notice {
  readonly kind: "ready" | "busy" | "trouble";
  readonly text: string;
  readonly fix?: string;
}

export const notice = signal<Notice>({ kind: "busy", text: "Loading the example." });

/** Why one thread computes, and what to do; undefined where there are more, and while that is not known. */
export const oneThread = signal<string | undefined>(undefined);

/** What the page looks at: the network, one of its pictures, a tap, a vector, and a step along it by its number in `Direction.epsilons`. */
export const subject = signal<Subject | undefined>(undefined);
export const picture = signal(0);
export const tap = signal("");
export const choice = signal<VectorChoice>("random");
export const direction = signal<Direction | undefined>(undefined);
export const step = signal(0);

/** The network's answer at the chosen step, and at none. */
export const frame = computed<Frame | undefined>(() => direction.value?.frames.value[step.value]);
export const frameAtRest = computed<Frame | undefined>(() => {
  const { epsilons, frames } = direction.value ?? {};
  return epsilons === undefined ? undefined : frames!.value[zeroOf(epsilons)];
});

/** Whether the curve of a tap is drawn: that of each tap that is ticked, and of the one that is looked at. */
export const isDrawn = (name: string): boolean => ofInterest.value.has(name) || name === tap.value;

export const zeroOf = (epsilons: Float64Array): number => epsilons.indexOf(0);

/** Tells a failure to the user; what was cancelled is none. */
export function tell(cause: unknown): void {
  if (cause instanceof PushforwardError) {
    if (cause.code === "interrupted") return;
    const { file, node, op, tap: at, input } = cause.where;
    const place = [file, input, node && `node ${node}`, op && `operator ${op}`, at && `tap ${at}`]
      .filter(Boolean)
      .join(", ");
    const text = place === "" ? cause.what : `${place}: ${cause.what}`;
    notice.value = { kind: "trouble", text, ...(cause.fix === undefined ? {} : { fix: cause.fix }) };
    return;
  }
  console.error(cause);
  notice.value = {
    kind: "trouble",
    text: `An error in the page itself: ${messageOf(cause)}.`,
    fix: "Reload the page, and please report it.",
  };
}

/**
 * Shows a network from its first picture on. Beside what was put aside, the picture, the tap and the ticks stay, as far as the network has
 * them by name.
 */
export function show(next: Subject): void {
  const before = aside.peek() === undefined ? undefined : subject.peek();
  const name = before?.pictures[picture.peek()]?.name;
  const taps = next.network.taps.map((one) => one.name);
  const ticked = taps.filter((one) => before !== undefined && ofInterest.peek().has(one));
  batch(() => {
    subject.value = next;
    picture.value = Math.max(
      0,
      next.pictures.findIndex((one) => one.name === name),
    );
    tap.value = before !== undefined && taps.includes(tap.peek()) ? tap.peek() : next.network.output.name;
    choice.value = { tap: tap.value, index: 0 };
    direction.value = undefined;
    ofInterest.value = new Set(ticked.length > 0 ? ticked : taps.filter(isDrawnAtFirst(next)));
  });
}

/** Shows what is shown already, opened again because it has grown: what the user has chosen stays. */
export function showAgain(next: Subject): void {
  const before = subject.peek();
  const name = before?.pictures[picture.peek()]?.name;
  const kept = aside.peek();
  batch(() => {
    subject.value = next;
    picture.value = Math.max(
      0,
      next.pictures.findIndex((one) => one.name === name),
    );
    if (kept !== undefined && kept.subject === before) aside.value = { ...kept, subject: next };
  });
}

/** Of many taps, the cuts are drawn at first, spread over the depth. */
function isDrawnAtFirst({ network: { taps, output } }: Subject): (name: string) => boolean {
  const cuts = taps.filter(({ cut }) => cut);
  const every = Math.ceil(cuts.length / MOST_CURVES);
  const first = new Set(cuts.filter((_, i) => (cuts.length - 1 - i) % every === 0).map(({ name }) => name));
  return (name) => first.has(name) || name === output.name;
}

/** Chooses a tap, and the vector of its largest σ. */
export function chooseTap(name: string): void {
  batch(() => {
    tap.value = name;
    choice.value = { tap: name, index: 0 };
  });
}

/** Keeps `direction` at the vector that is chosen. A step keeps its length, as far as there are such steps. */
export function followChoices(): void {
  effect(() => {
    const [from, at, along] = [subject.value, picture.value, choice.value];
    const spectra = from?.spectra.value;
    if (from === undefined || at >= from.pictures.length) {
      direction.value = undefined;
      return;
    }
    const shown = direction.peek();
    if (shown !== undefined && shownFor.subject === from && shownFor.picture === at && sameChoice(shown.choice, along))
      return;
    const isCurrent = () => subject.peek() === from && picture.peek() === at && sameChoice(choice.peek(), along);
    const find = async () => {
      await from.look(at);
      if (!isCurrent()) return;
      const isKnown = along === "random" || from.vectorsAt(at, along.tap).includes(along.index);
      const found = isKnown && spectra !== undefined ? await from.direction(at, along) : undefined;
      if (!isCurrent()) return;
      batch(() => {
        const length = shown?.epsilons[step.peek()] ?? 0;
        if (found !== shown) shown?.leave();
        shownFor.subject = from;
        shownFor.picture = at;
        direction.value = found;
        if (found !== undefined) step.value = nearest(found.epsilons, length);
      });
    };
    find().catch(tell);
  });
  effect(() => {
    if (showsAll.value && subject.value !== undefined) lookAtAll(subject.value).catch(tell);
  });
  effect(() => {
    direction.value?.want(step.value).catch(tell);
  });
}

/** Has the stored spectra of all pictures read, one picture after the other, as long as they are shown. */
export async function lookAtAll(shown: Subject): Promise<void> {
  for (const i of shown.pictures.keys()) if (subject.peek() === shown) await shown.look(i);
}

const shownFor: { subject?: Subject; picture: number } = { picture: 0 };

function nearest(epsilons: Float64Array, length: number): number {
  let best = 0;
  for (const [i, epsilon] of epsilons.entries()) {
    if (Math.abs(epsilon - length) < Math.abs(epsilons[best]! - length)) best = i;
  }
  return best;
}
