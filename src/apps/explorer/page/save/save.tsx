import { count, session } from "../own/computing.ts";
import { ofInterest } from "../spectra/interest.ts";
import { notice, subject, tell } from "../state.ts";
import { commandFor, xarrayFor } from "./texts.ts";

/** What one can take along: a report as one file, the command, and the numbers. */
export function Save() {
  const shown = subject.value!;
  const taps = shown.network.taps.map(({ name }) => name).filter((name) => ofInterest.value.has(name));
  const preset = (session.value?.answer.value?.preprocessing ?? session.value?.description.preprocessing)?.name;
  const command = () => shown.command ?? commandFor(shown, taps, count.value, preset);
  return (
    <p class="row">
      {shown.report !== undefined && (
        <button type="button" onClick={saveReport}>
          Save as one HTML file
        </button>
      )}
      {shown.report === undefined && <span class="soft">A report can be saved after Compute.</span>}
      <button type="button" onClick={() => copy(command(), "The command")}>
        Copy command
      </button>
      <button type="button" onClick={() => copy(xarrayFor(shown, taps), "Python for xarray")}>
        Copy as xarray
      </button>
    </p>
  );
}

async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notice.value = { kind: "ready", text: `${what} is copied.` };
  } catch {
    notice.value = {
      kind: "trouble",
      text: "The browser does not let the page copy.",
      fix: "Allow it, and try again.",
    };
  }
}

/** The report of the command line, of what is known here. */
async function saveReport(): Promise<void> {
  const { network, report } = subject.value!;
  try {
    notice.value = { kind: "busy", text: "Writing the report." };
    const [{ renderReport }, reader] = await Promise.all([import("../../../report/report.ts"), report!()]);
    const html = await renderReport(reader);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([html], { type: "text/html" }));
    link.download = `${network.name
      .split("/")
      .at(-1)!
      .replace(/\.onnx$/i, "")}-report.html`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    notice.value = { kind: "ready", text: `The report is saved as ${link.download}.` };
  } catch (cause) {
    tell(cause);
  }
}
