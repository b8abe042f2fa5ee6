import { plural } from "../base/index.ts";
import type { ColourCell, ColourMap } from "../results/index.ts";
import { mean } from "./statistics.ts";

/** The same map of each draw of one kind of control. */
interface ControlMaps {
  readonly kind: string;
  readonly maps: readonly ColourMap[];
}

/** A map in which each panel of the trained network is followed by that of the last kind of control, the mean over its draws. */
export function mapWithControls(map: ColourMap, controls: readonly ControlMaps[]): ColourMap {
  const control = controls.findLast(({ maps }) => maps.length > 0);
  if (control === undefined) return map;
  const { kind, maps } = control;
  return {
    ...map,
    caption: `${map.caption} Panels in a grey frame show the control ${kind}: the mean over ${plural(maps.length, "draw")}.`,
    panels: map.panels.flatMap((panel, p) => [
      { ...panel, title: `${panel.title}, trained` },
      { title: `${panel.title}, ${kind}`, control: true, cells: meanCells(maps.map(({ panels }) => panels[p]!.cells)) },
    ]),
  };
}

/** The mean of the cells that most draws have. */
function meanCells(draws: readonly (readonly ColourCell[])[]): ColourCell[] {
  const byPlace = new Map<string, ColourCell[]>();
  for (const cell of draws.flat()) {
    const place = `${cell.x} ${cell.y}`;
    byPlace.set(place, [...(byPlace.get(place) ?? []), cell]);
  }
  return [...byPlace.values()].flatMap((cells) =>
    2 * cells.length > draws.length ? [{ ...cells[0]!, value: mean(cells.map(({ value }) => value)) }] : [],
  );
}
