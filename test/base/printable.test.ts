import { expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";

test("names of files change no terminal: control characters are replaced", () => {
  const error = new PushforwardError("usage", {
    what: "A \u001b[31mred\nname.",
    where: { file: "a\tb\u0085" },
    fix: "Rename it.",
  });
  expect(error.format()).toBe("error: A �[31mred�name.\n  at  file a�b�\n  do  Rename it.");
});
