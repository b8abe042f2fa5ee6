/** How long graphs run before other tasks of the page or the worker have their turn, in milliseconds. */
const SLICE = 50;
let rested = performance.now();

/**
 * Lets other tasks run, such as a message that cancels a solve, if this was not called for some time: in a browser ONNX Runtime
 * computes in the thread that asks it. A message of its own is not delayed as a timer is.
 */
export async function breathe(): Promise<void> {
  if (performance.now() - rested < SLICE) return;
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
  rested = performance.now();
}
