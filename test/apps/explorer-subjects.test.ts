import { effect } from "@preact/signals";
import { expect, test } from "vitest";
import { namesOf, type Side } from "../../src/apps/explorer/page/spectra/aside.ts";
import { storedSpectra } from "../../src/apps/explorer/page/stored-spectra.ts";
import type { UnitNumbers } from "../../src/figures/index.ts";

const unit = (k: number) => ({ k }) as UnitNumbers; // Only handed on.

test("the stored spectra of a picture are read once, and those of two pictures that are read at a time are both kept", async () => {
  const asked: number[] = [];
  const ends: (() => void)[] = [];
  const { spectra, look, readingOf } = storedSpectra(async (picture) => {
    asked.push(picture);
    await new Promise<void>((resolve) => ends.push(resolve));
    return [{ tap: "relu", unit: unit(picture) }];
  });
  const told: string[] = [];
  effect(() => void told.push(readingOf(0)));
  const looks = [look(0), look(1), look(0)];
  for (const end of ends.reverse()) end();
  await Promise.all(looks);
  await look(1);
  expect(asked).toEqual([0, 1]);
  expect(told[0]).toBe("unfinished");
  expect(told.at(-1)).toBe("finished");
  expect([...spectra.value].sort()).toEqual([
    ["0 relu", unit(0)],
    ["1 relu", unit(1)],
  ]);
});

test("a reading that failed is tried again", async () => {
  let tries = 0;
  const { spectra, look, readingOf } = storedSpectra(async () => {
    if (tries++ === 0) throw new Error("the server is away");
    return [];
  });
  await expect(look(3)).rejects.toThrow("the server is away");
  expect(readingOf(3)).toBe("failed");
  await look(3);
  expect([readingOf(3), spectra.value.size]).toEqual(["finished", 0]);
});

test("two that are compared are named by their networks and runs, and by their pictures where these are the same", () => {
  const pictures = [{ name: "a.png" }, { name: "b.png" }];
  const side = (name: string, picture: number, place?: string) =>
    ({ subject: { network: { name }, pictures, ...(place && { place }) }, picture }) as unknown as Side; // What a name is made of.
  expect(namesOf({ a: side("net", 0), b: side("net", 1) })).toEqual(["net, a.png", "net, b.png"]);
  expect(namesOf({ a: side("net", 0), b: side("other", 0) })).toEqual(["net", "other"]);
  expect(namesOf({ a: side("net", 0, "first"), b: side("net", 0, "second") })).toEqual(["net (first)", "net (second)"]);
});
