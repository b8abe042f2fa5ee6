import { formatShape, type Place, PushforwardError, sameShape } from "../base/index.ts";
import type { Tap } from "./taps.ts";

/** The taps of a network at one point. */
interface Taps {
  readonly taps: readonly Tap[];
  /** @throws PushforwardError `tap-unknown` */
  tap(name: string): Tap;
}

/**
 * A tap of a network at another point, where the network has another structure. One that is given by its name may have another shape
 * there.
 *
 * @throws PushforwardError `tap-unknown` if it is not computed there, `shape-mismatch` if its shape differs
 */
export function sameTap(given: string | Tap, here: Taps, there: Taps, place: Place): Tap {
  const own = typeof given === "string" ? known(here, given) : given;
  if (own === undefined) return there.tap(given as string);
  const { tensor, name, shape, part } = own;
  const whole = there.taps.find((tap) => tap.tensor === tensor) ?? known(there, tensor);
  if (whole === undefined) {
    throw new PushforwardError("tap-unknown", {
      what: `"${name}" is not computed at this point: the input decides the structure of the network, and does so otherwise here.`,
      where: { ...place, tap: name },
      fix: "Choose a tap that is computed at all inputs, or another input.",
    });
  }
  const other = part === undefined ? whole : there.tap(`${whole.name}${part.text}`);
  if (typeof given === "string" || sameShape(shape, other.shape)) return other;
  throw new PushforwardError("shape-mismatch", {
    what: `"${name}" has the shape ${formatShape(other.shape)} at this point, but ${formatShape(shape)} where the network was opened: the input decides it.`,
    where: { ...place, tap: name },
    fix: "Choose a tap whose shape is the same at all inputs, or inputs at which it is.",
  });
}

function known(taps: Taps, name: string): Tap | undefined {
  try {
    return taps.tap(name);
  } catch {
    return undefined;
  }
}
