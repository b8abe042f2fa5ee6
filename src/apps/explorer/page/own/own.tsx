import { givenFiles } from "../../engine/index.ts";
import { Stored } from "../stored/stored.tsx";
import { addPictures } from "./computing.ts";
import { Preprocessing } from "./preprocessing.tsx";
import { takeNetwork } from "./take.ts";

/** A network and pictures of one's own, and how the pictures are prepared. */
export function Own() {
  return (
    <section class="own">
      <h2>Your own network</h2>
      <p class="soft">
        Drop an ONNX file and pictures anywhere on the page, or choose them. They stay on this computer: the browser
        computes.
      </p>
      <div class="row">
        <Files name="Network" accept=".onnx,.data,.json,.prototxt,.caffemodel" use={takeNetwork} />
        <Files name="Pictures" accept="image/*,.npy,.tsv,.txt" use={addPictures} />
      </div>
      <Stored />
      <Preprocessing />
    </section>
  );
}

interface FilesProps {
  readonly name: string;
  readonly accept: string;
  readonly use: (files: ReturnType<typeof givenFiles>) => Promise<void>;
}

function Files({ name, accept, use }: FilesProps) {
  return (
    <label class="file">
      {name}
      <input
        type="file"
        accept={accept}
        multiple
        onChange={({ currentTarget }) => {
          const files = givenFiles(currentTarget.files ?? []);
          if (files.length > 0) use(files);
        }}
      />
    </label>
  );
}
