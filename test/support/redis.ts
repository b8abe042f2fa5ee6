import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";

/** Whether the test of a queue can start a server. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

/** A server of Redis on this computer, on a port of its own, which keeps what it has when it is killed. */
export interface RedisServer {
  readonly address: string;
  readonly port: number;
  /** Ends it as a power failure would. */
  kill(): Promise<void>;
  /** Starts it again, with what it had, or `empty`. */
  start(options?: { readonly empty?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

/** @param options more of the server's options, for example a password */
export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "pushforward-redis-"));
  const password = options[options.indexOf("--requirepass") + 1];
  let child: ChildProcess | undefined;
  const server: RedisServer = {
    port,
    address: `redis://127.0.0.1:${port}`,
    async kill() {
      const ended = once(child!, "exit");
      child!.kill("SIGKILL");
      await ended;
    },
    async start({ empty = false } = {}) {
      if (empty) await rm(join(folder, "appendonlydir"), { recursive: true, force: true });
      const lasting = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
      ];
      const own = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, ...lasting, ...options];
      child = spawn("redis-server", own, { stdio: "ignore" });
      const redis = new Redis(port, "127.0.0.1", {
        ...(options.includes("--requirepass") && { password: password! }),
        maxRetriesPerRequest: null,
      });
      redis.on("error", () => undefined);
      await redis.ping();
      redis.disconnect();
    },
    async stop() {
      await server.kill();
      await setTimeout(50);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}
