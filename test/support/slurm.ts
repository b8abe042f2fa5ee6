import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

const has = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

/** Whether Slurm can be started here. */
export const hasSlurm = process.getuid?.() === 0 && ["slurmctld", "slurmd", "sbatch", "munged"].every(has);

/** A cluster of Slurm that consists of this machine. */
export interface Slurm {
  /** Submits a script and waits for all of its tasks; whether each ended well. */
  submit(script: string, cwd: string, env?: NodeJS.ProcessEnv): Promise<boolean>;
  stop(): void;
}

/** Starts munged, slurmctld and slurmd with a configuration of their own, and two processors. */
export async function startSlurm(): Promise<Slurm> {
  const folder = mkdtempSync(join(tmpdir(), "slurm-"));
  const at = (...parts: readonly string[]) => join(folder, ...parts);
  chmodSync(folder, 0o755);
  for (const name of ["state", "spool", "munge"]) mkdirSync(at(name));
  writeFileSync(at("munge/key"), randomBytes(1024), { mode: 0o400 });
  const ids = ["-u", "-g"].map((which) => Number(execFileSync("id", [which, "munge"], { encoding: "utf8" })));
  for (const name of ["munge", "munge/key"]) chownSync(at(name), ids[0]!, ids[1]!);
  chmodSync(at("munge"), 0o711); // the socket is reached by others
  const host = hostname().split(".")[0]!;
  writeFileSync(
    at("slurm.conf"),
    [
      ...["ClusterName=test", `SlurmctldHost=${host}(127.0.0.1)`, "SlurmUser=root", "SlurmdUser=root"],
      ...["AuthType=auth/munge", `AuthInfo=socket=${at("munge/sock")}`, "CryptoType=crypto/munge"],
      ...[`StateSaveLocation=${at("state")}`, `SlurmdSpoolDir=${at("spool")}`],
      ...[`SlurmctldPidFile=${at("slurmctld.pid")}`, `SlurmdPidFile=${at("slurmd.pid")}`],
      ...[`SlurmctldLogFile=${at("slurmctld.log")}`, `SlurmdLogFile=${at("slurmd.log")}`],
      ...[`SlurmctldPort=${await freePort()}`, `SlurmdPort=${await freePort()}`],
      ...["ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "MpiDefault=none", "ReturnToService=2"],
      ...["SelectType=select/cons_tres", "SelectTypeParameters=CR_Core", "SlurmdParameters=config_overrides"],
      `NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN`,
      `PartitionName=all Nodes=${host} Default=YES MaxTime=INFINITE State=UP`,
    ].join("\n"),
  );
  const env = { ...process.env, SLURM_CONF: at("slurm.conf") };
  const ask = (program: string, ...args: readonly string[]) => execFileSync(program, args, { env, encoding: "utf8" });
  const ofMunge = (name: string) => `--${name}=${at("munge", name.split("-")[0]!)}`;
  const files = ["key-file", "pid-file", "log-file", "seed-file"].map(ofMunge);
  execFileSync("setpriv", [
    ...[`--reuid=${ids[0]}`, `--regid=${ids[1]}`, "--clear-groups", "munged", "--force"],
    ...[`--socket=${at("munge/sock")}`, ...files],
  ]);
  ask("slurmctld");
  ask("slurmd");
  for (let tries = 0; !/\bidle\b/.test(ask("sinfo")); tries++) {
    if (tries > 60) throw new Error(`Slurm did not start: ${ask("sinfo")}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return {
    async submit(script, cwd, more = {}) {
      const child = spawn("sbatch", ["--wait", "--output=task-%a.txt"], {
        cwd,
        env: { ...env, ...more },
        stdio: "pipe",
      });
      child.stdin.end(script);
      const [code] = await once(child, "close");
      return code === 0;
    },
    stop() {
      for (const file of ["slurmd.pid", "slurmctld.pid", "munge/pid"]) {
        const pid = readFileSync(at(file), "utf8").trim();
        spawnSync("kill", [pid]);
        spawnSync("timeout", ["20", "tail", `--pid=${pid}`, "-f", "/dev/null"]); // until it has ended
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
