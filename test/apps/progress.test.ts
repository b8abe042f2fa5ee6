import { describe, expect, test } from "vitest";
import { Progress } from "../../src/apps/cli/progress.ts";
import { cutToWidth, widthOf } from "../../src/apps/cli/width.ts";

/** Sent to a terminal: to the first column, and erase the line. */
const CLEAR = "\r\x1b[2K";

/** What stands on a terminal of so many columns after a text: long lines wrap, `CLEAR` erases the last one. */
function screenOf(text: string, columns: number): string[] {
  const lines = [""];
  for (const part of text.replaceAll(CLEAR, "⌫").split(/(⌫|\n)/)) {
    if (part === "\n") lines.push("");
    else if (part === "⌫") lines[lines.length - 1] = "";
    else {
      for (const character of part) {
        if (widthOf(lines.at(-1)! + character) > columns) lines.push("");
        lines[lines.length - 1] += character;
      }
    }
  }
  return lines;
}

function written(isTTY: boolean, columns: number, name: string): string {
  let text = "";
  const stream = { isTTY, columns, write: (more: string) => (text += more) };
  const progress = new Progress(new Array(6).fill(1), stream);
  for (let unit = 0; unit < 6; unit++) {
    for (let step = 0; step < 20; step++) progress.update(`${name}: ${step} of 20 triplets, 123 J + 456 Jᵀ products`);
    progress.finish(`${name}: σ₁ 10.16, σ₅₀₀ 2.94, 500/500 certified, worst residual 1.3e-7 σ₁, 0.1 s`);
  }
  progress.end();
  return text;
}

describe.each(["a → conv1", "とても長い名前の写真 → 畳み込み層", "👩‍👩‍👧 → layer", "e\u0301te\u0301 → été"])(
  "progress on %s",
  (name) => {
    test.each([20, 40, 80, 200])("leaves a line for each unit on a terminal of %i columns", (columns) => {
      const screen = screenOf(written(true, columns, name), columns);
      expect(screen).toHaveLength(7);
      expect(screen.pop()).toBe("");
      for (const [i, line] of screen.entries()) {
        expect(line.startsWith(`[${i + 1}/6] `)).toBe(true);
        expect(widthOf(line)).toBeLessThan(columns);
        if (columns >= 40 && i < 5) expect(line).toMatch(/, about .* left$/);
      }
    });

    test("leaves whole lines and no control codes elsewhere", () => {
      const text = written(false, 20, name);
      expect(text.trimEnd().split("\n")).toHaveLength(6);
      for (const sign of ["\r", "\x1b", "…"]) expect(text).not.toContain(sign);
      expect(text).toContain(
        `[6/6] ${name}: σ₁ 10.16, σ₅₀₀ 2.94, 500/500 certified, worst residual 1.3e-7 σ₁, 0.1 s\n`,
      );
    });
  },
);

test("a terminal without a width counts as one of 80 columns", () => {
  expect(screenOf(written(true, 0, "a".repeat(90)), 80)).toHaveLength(7);
});

test("a name with control codes writes none", () => {
  const text = written(false, 80, "a\x1b[31m\nb");
  expect(text).not.toContain("\x1b");
  expect(text.match(/^.*$/gm)).toHaveLength(7);
});

test("time left follows what units are expected to take, not how many there are", async () => {
  let text = "";
  const progress = new Progress([9, 1], { isTTY: false, write: (more: string) => (text += more) });
  await new Promise((resolve) => setTimeout(resolve, 900));
  progress.finish("first");
  const left = Number(/about ([\d.]+) s left/.exec(text)![1]);
  expect(left).toBeGreaterThanOrEqual(0.1);
  expect(left).toBeLessThan(0.3);
});

describe("columns of a text", () => {
  // As `wcwidth` of POSIX and Unicode's East_Asian_Width count them.
  test.each([
    ["abc σ₁ Jᵀ → …", 13],
    ["写真", 4],
    ["ｶﾞ", 2],
    ["한글", 4],
    ["e\u0301", 1],
    ["👍", 2],
    ["👩‍👩‍👧", 2],
    ["❤️", 2],
    ["𠮷", 2],
    ["", 0],
  ])("%s takes %i", (text, columns) => {
    expect(widthOf(text)).toBe(columns);
  });

  test.each([
    ["写真です", 8, "写真です"],
    ["写真です", 7, "写真で…"],
    ["写真です", 6, "写真…"],
    ["abc", 2, "a…"],
    ["abc", 0, ""],
  ])("%s in %i columns is %s", (text, columns, cut) => {
    expect(cutToWidth(text, columns)).toBe(cut);
  });
});
