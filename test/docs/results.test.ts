import { expect, test } from "vitest";
import { quantities } from "../../src/results/columns.ts";
import { createRun, type Key, MemoryStore } from "../../src/results/index.ts";
import { exampleManifest } from "../results/example-run.ts";
import { readPage } from "./markdown.ts";

/** Arrays that the tables of a section list. */
const listed = (section: string) => {
  const text = readPage("docs/results.md")
    .split(`## ${section}\n`)[1]!
    .split(/\n##+ /)[0]!;
  return [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!).sort();
};

/** Arrays of a group, by their metadata. */
async function arraysOf(store: MemoryStore, group: Key): Promise<string[]> {
  const names: string[] = [];
  for await (const key of store.list(group)) {
    const [, name] = /^([^/]+)\/zarr\.json$/.exec(key.slice(group.length)) ?? [];
    if (name !== undefined && name !== "taps") names.push(name);
  }
  return names.sort();
}

test("the page lists every array of a run, and no other", async () => {
  const store = new MemoryStore();
  await createRun(store, exampleManifest);
  expect(listed("Arrays")).toEqual(await arraysOf(store, "/"));
  expect(listed("Numbers of a unit")).toEqual([...quantities].sort());
  expect(listed("Singular vectors")).toEqual(await arraysOf(store, "/taps/conv1/"));
});
