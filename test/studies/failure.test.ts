import { expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { reasonOf } from "../../src/studies/failure.ts";

const thrownBy = (act: () => void): unknown => {
  try {
    act();
  } catch (cause) {
    return cause;
  }
  return undefined;
};

test("the reason of a failure names its node, once", () => {
  const error = (what: string) => new PushforwardError("not-finite", { what, where: { node: "sqrt1" } });
  expect(reasonOf(error("A product is not finite."))).toBe("A product is not finite. It happened at the node sqrt1.");
  expect(reasonOf(error("sqrt1 gives NaN."))).toBe("sqrt1 gives NaN.");
});

test("a lack of memory is told from a fault of the program", () => {
  const forever = (): number => forever() + 1;
  expect(reasonOf(thrownBy(() => new Float64Array(2 ** 52)))).toMatch(/^There was not enough memory: /);
  expect(reasonOf(thrownBy(() => new Array(-1)))).toMatch(/^There was not enough memory: /);
  expect(reasonOf(thrownBy(forever))).toMatch(/^This is a fault of Pushforward itself/);
});
