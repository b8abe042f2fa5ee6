/** A job whose units take no time: its process tells of each that it begins it, as it does of a real one. */
export default async function pass(job) {
  for (const input of job.data.inputs) {
    await job.updateProgress({ input, worker: "no-op", since: Date.now(), failures: 0, givenUp: [] });
  }
}
