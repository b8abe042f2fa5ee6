/** How the learning rate goes over the steps of a training, from the rate of the optimizer. */
export type ScheduleSettings =
  | { readonly kind: "constant" }
  /** Rises linearly for the first `warmup` steps (none unless they are given), then falls to zero as a half cosine. */
  | { readonly kind: "cosine"; readonly warmup?: number }
  /** Is multiplied by `factor` after every `every` steps. */
  | { readonly kind: "step"; readonly every: number; readonly factor: number };

type OfKind<K extends ScheduleSettings["kind"]> = ScheduleSettings & { readonly kind: K };

/** The learning rate at each step, from 0. */
type RateAt = (step: number) => number;

const schedules: {
  readonly [K in ScheduleSettings["kind"]]: (settings: OfKind<K>, rate: number, steps: number) => RateAt;
} = {
  constant: (_, rate) => () => rate,
  cosine:
    ({ warmup = 0 }, rate, steps) =>
    (step) =>
      step < warmup
        ? (rate * (step + 1)) / warmup
        : (rate * (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup)))) / 2,
  step:
    ({ every, factor }, rate) =>
    (step) =>
      rate * factor ** Math.floor(step / every),
};

/** The learning rate of a training of so many steps, at each step from 0; `rate` is its largest. */
export function rateOf<K extends ScheduleSettings["kind"]>(settings: OfKind<K>, rate: number, steps: number): RateAt {
  return schedules[settings.kind as K](settings, rate, steps);
}
