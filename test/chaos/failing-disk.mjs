// A process that loads this first finds the disk full from a write on (FAILING_DISK="full 17"), or is killed at a write ("kill 17").
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [kind, from] = process.env.FAILING_DISK.split(" ");
const { writeFile } = fs.promises;
let writes = 0;
fs.promises.writeFile = async (file, data, ...rest) => {
  if (++writes < Number(from)) return writeFile(file, data, ...rest);
  await writeFile(file, data.subarray(0, data.length / 2), ...rest); // A part of it found room.
  if (kind === "kill") process.kill(process.pid, "SIGKILL");
  throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
};
syncBuiltinESMExports();
