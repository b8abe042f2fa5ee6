import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { GivenFile } from "../../engine/index.ts";
import { tell } from "../state.ts";
import { takeFiles } from "./take.ts";

const isOver = signal(false);

/** The whole page takes files that are dropped, also folders. */
export function Drop() {
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      isOver.value = true;
    };
    const out = (event: DragEvent) => {
      if (event.relatedTarget === null) isOver.value = false;
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      isOver.value = false;
      filesIn(event.dataTransfer!).then(takeFiles).catch(tell);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", out);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", out);
      removeEventListener("drop", drop);
    };
  }, []);
  return isOver.value ? (
    <div class="drop">Drop an ONNX file, pictures, a folder, a stored run, or a training</div>
  ) : null;
}

/** The files that were dropped, with the paths below the folders that were dropped. */
async function filesIn({ items, files }: DataTransfer): Promise<GivenFile[]> {
  const entries = Array.from(items).flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return Array.from(files, (file) => ({ name: file.name, content: file }));
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<GivenFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ name: entry.fullPath.replace(/^\//, ""), content: file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: GivenFile[] = [];
  // A reader gives the entries of a folder in portions, and an empty one at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesBelow))).flat());
  }
}
