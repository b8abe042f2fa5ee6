import { givenFiles } from "../../engine/index.ts";
import { subject } from "../state.ts";
import { addPictures, compute, count, openNetwork, session } from "./computing.ts";
import { Preprocessing } from "./preprocessing.tsx";
import { cancel, running, share } from "./work.ts";

/** A network and pictures of one's own, and what starts and ends computing. */
export function Own() {
  const isBusy = running.value !== undefined;
  const needsPictures = session.value !== undefined && session.value.pictures.value.length === 0;
  return (
    <section class="own">
      <h2>Your own network</h2>
      <p class="soft">
        Drop an ONNX file and pictures anywhere on the page, or choose them. They stay on this computer: all is computed
        in the browser, with the same numbers as the command line.
      </p>
      <div class="row">
        <Files name="Network" accept=".onnx,.data,.json,.prototxt,.caffemodel" use={openNetwork} />
        <Files name="Pictures" accept="image/*,.npy,.tsv,.txt" use={addPictures} />
        <label class="count">
          Values per tap
          <input
            type="number"
            min={1}
            max={2000}
            value={count.value}
            onChange={({ currentTarget }) => {
              count.value = Math.max(1, Math.round(Number(currentTarget.value) || 1));
            }}
          />
        </label>
        <button
          type="button"
          class="main"
          disabled={isBusy || needsPictures || subject.value === undefined}
          onClick={compute}
        >
          Compute
        </button>
        <button type="button" disabled={!isBusy} onClick={cancel}>
          Cancel
        </button>
        {isBusy && (
          <progress
            aria-label="Work under way"
            max={1}
            {...(share.value === undefined ? {} : { value: share.value })}
          />
        )}
      </div>
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
