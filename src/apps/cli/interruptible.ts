/** Runs a job. The first interrupt asks it to end after the current step; the second ends the process. */
export async function interruptible(job: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const aborter = new AbortController();
  const interrupt = () => {
    if (aborter.signal.aborted) process.exit(130);
    process.stderr.write("\nthe command ends after this step; interrupt it again to end at once\n");
    aborter.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    await job(aborter.signal);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
