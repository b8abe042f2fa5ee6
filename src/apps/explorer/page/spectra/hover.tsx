import { useState } from "preact/hooks";
import { formatNumber, subscript } from "../../../../base/index.ts";
import type { TapUnits } from "../../../../figures/index.ts";

type Place = (index: number, sigma: number) => { readonly x: number; readonly y: number } | undefined;

interface HoverProps {
  readonly units: readonly TapUnits[];
  readonly place: Place;
}

interface Near {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** As near must the pointer be to a point. In pixels. */
const NEAR = 24;

/** Tells the σ under the pointer, with its index, residual and floor. The table tells the same to the keyboard. */
export function Hover({ units, place }: HoverProps) {
  const [near, setNear] = useState<Near | undefined>(undefined);
  const at = near && { left: `${100 * near.x}%`, top: `${100 * near.y}%` };
  return (
    <div
      class="hover"
      aria-hidden="true"
      onPointerLeave={() => setNear(undefined)}
      onPointerMove={({ offsetX, offsetY, currentTarget: { clientWidth, clientHeight } }) => {
        const toPixels: Place = (index, sigma) => {
          const point = place(index, sigma);
          return point && { x: point.x * clientWidth, y: point.y * clientHeight };
        };
        const found = nearest(units, toPixels, offsetX, offsetY);
        setNear(found && { ...found, x: found.x / clientWidth, y: found.y / clientHeight });
      }}
    >
      {near !== undefined && (
        <>
          <span class="dot" style={at} />
          <span class={near.x > 0.5 ? "tip before" : "tip"} style={at}>
            {near.text}
          </span>
        </>
      )}
    </div>
  );
}

function nearest(units: readonly TapUnits[], place: Place, x: number, y: number): Near | undefined {
  let best: Near | undefined;
  let least = NEAR;
  for (const { tap, units: ofTap } of units) {
    for (const { input, unit } of ofTap) {
      for (const [i, sigma] of unit.sigma.entries()) {
        const at = place(i + 1, sigma);
        const distance = at === undefined ? least : Math.hypot(at.x - x, at.y - y);
        if (at === undefined || distance >= least) continue;
        least = distance;
        best = {
          ...at,
          text:
            `${tap}${ofTap.length > 1 ? ` at ${input}` : ""}: σ${subscript(i + 1)} = ${formatNumber(sigma, 5)}, ` +
            `residual ${formatNumber(unit.residual[i]!, 2)}, floor ${formatNumber(unit.floors?.[i] ?? unit.floor, 2)}`,
        };
      }
    }
  }
  return best;
}
