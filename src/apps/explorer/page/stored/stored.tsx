import { givenFiles } from "../../engine/index.ts";
import { offers, takeAddresses, takeFiles, taken, takeOther } from "../own/take.ts";

/** Has a file input take a folder with all that it holds. Preact's types do not know it. */
const wholeFolder = { webkitdirectory: true };

/** Opens what commands stored: a run with its spectra, or a training with its networks. */
export function Stored() {
  return (
    <>
      <details class="stored">
        <summary>A stored run or training</summary>
        <p class="soft">
          The folder that <code>pushforward spectrum</code> or <code>pushforward train</code> wrote with{" "}
          <code>--out</code>, or a ZIP archive of it. It may hold several.
        </p>
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            const address = String(new FormData(event.currentTarget).get("address")).trim();
            if (address !== "") void takeAddresses([address]);
          }}
        >
          <label class="file">
            Address on this site
            <input type="text" name="address" placeholder="run/" />
          </label>
          <button type="submit">Open</button>
        </form>
        <div class="row">
          <label class="file">
            Folder
            <input type="file" {...wholeFolder} onChange={take} />
          </label>
          <label class="file">
            ZIP archive
            <input type="file" accept=".zip" onChange={take} />
          </label>
        </div>
      </details>
      {offers.value.length > 0 && (
        <p>
          <label>
            Of these is shown{" "}
            <select value={taken.value} onChange={({ currentTarget }) => takeOther(Number(currentTarget.value))}>
              {offers.value.map(({ name }, i) => (
                <option key={name} value={i}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </p>
      )}
    </>
  );
}

function take({ currentTarget: { files } }: { readonly currentTarget: HTMLInputElement }): void {
  const given = givenFiles(files ?? []);
  if (given.length > 0) void takeFiles(given);
}
