// `npm run chaos`: runs whose processes, disks, clocks and servers fail, and whether anything is lost.
import { parseArgs } from "node:util";
import { kills } from "./kills.ts";
import { pair } from "./pair.ts";
import { recovery } from "./recovery.ts";
import { writes } from "./writes.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    units: { type: "string", default: "200" },
    workers: { type: "string", default: "2" },
    kills: { type: "string", default: "50" },
    every: { type: "string", default: "1" },
    rounds: { type: "string", default: "20" },
    lock: { type: "string", default: "10" },
    seed: { type: "string", default: "0" },
  },
});
const number = (name: keyof typeof values) => Number(values[name]);
const kinds = {
  kills: () =>
    kills({ units: number("units"), workers: number("workers"), kills: number("kills"), seed: number("seed") }),
  writes: () => writes({ every: number("every") }),
  recovery: () => recovery({ lock: number("lock") }),
  pair: () => pair({ rounds: number("rounds"), seed: number("seed") }),
};
const chosen = positionals.length === 0 ? Object.keys(kinds) : positionals;
for (const name of chosen) {
  if (!(name in kinds)) throw new Error(`There is no chaos "${name}": ${Object.keys(kinds).join(", ")}.`);
  const start = performance.now();
  const { about, faults } = await kinds[name as keyof typeof kinds]();
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`${name}: ${about}, ${seconds} s: ${faults.length === 0 ? "nothing lost" : `${faults.length} faults`}`);
  for (const fault of faults) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}
