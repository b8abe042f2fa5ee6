import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { paperFigures } from "../../scripts/paper/figures.ts";

test("beside controls, the lines that tell most have a panel each, with the controls in grey; a line of its own x keeps its order", () => {
  const folder = mkdtempSync(join(tmpdir(), "paper-"));
  const estimate = (name: string) => [name, `${name}, low`, `${name}, high`].map((cell) => `"${cell}"`);
  const measured = (name: string) => [name, `${name}, matched`, `${name}, trained − matched`].flatMap(estimate);
  const numbers = (trained: number, matched: number) =>
    [trained, matched, trained - matched].flatMap((value) => [value, value - 0.5, value + 0.5]);
  const figuresOf = (table: string, lines: readonly (readonly (string | number)[])[]) => {
    mkdirSync(join(folder, "net"), { recursive: true });
    writeFileSync(join(folder, "net", `${table}.csv`), lines.map((cells) => `${cells.join(",")}\n`).join(""));
    const figures = paperFigures([{ network: "net" }], folder);
    rmSync(join(folder, "net"), { recursive: true });
    return figures;
  };
  const linesOf = (svg: string, colour: string) =>
    [...svg.matchAll(/<g ([^>]*aria-label="line"[^>]*)><path d="([^"]+)"/g)]
      .filter(([, attributes]) => attributes!.includes(`stroke="${colour}"`))
      .map(([, , d]) => d!);
  const directions = ["first singular vectors", "middle ones", "last ones", "any direction", "towards another image"];
  const rows = directions.flatMap((direction) => [0.1, 1].map((a) => [direction, a, ...numbers(10 * a, 5 * a)]));
  const [shift] = figuresOf("directional-noise-by-amplitude", [
    ["direction", "amplitude", ...measured("shift")],
    ...rows,
  ]);
  expect(shift!.file).toBe("paper/net/directions.svg");
  expect(linesOf(shift!.svg, "#0072b2")).toHaveLength(4);
  expect(linesOf(shift!.svg, "#606060")).toHaveLength(4);
  expect(shift!.svg).not.toContain("middle ones");
  expect(shift!.caption).toContain("Grey shows controls (matched): networks of the same graph");

  const levels = [3, 1, 2].map((x, level) => [
    "gaussian",
    level,
    0.1 * (1 + level),
    ...numbers(x, x),
    ...numbers(0, -x),
  ]);
  const figures = figuresOf("noise-by-level", [
    ["kind", "level", "distance", ...measured("margin"), ...measured("log Σσ²"), ...measured("log σ")],
    ...levels.map((cells) => [...cells, ...numbers(-1, -2)]),
  ]);
  const { svg } = figures.find(({ on }) => on === "with the class")!;
  const places = linesOf(svg, "#606060")[0]!
    .split(/[ML]/)
    .slice(1)
    .map((point) => Number(point.split(",")[0]));
  expect(places[0]! > places[2]! && places[2]! > places[1]!).toBe(true);
  rmSync(folder, { recursive: true });
});
