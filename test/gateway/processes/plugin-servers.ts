import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PluginServerOptions } from '../options';
import { queryPluginInfo, type PluginInfo } from './plugin-info';
import { PluginServer } from './plugin-server';

/** Time that an old plugin server lives on beside its successor after a reload. */
const OVERLAP_MS = 1000;

export interface PluginServersOptions {
  servers: readonly PluginServerOptions[];
  prefix: string;
  queryTimeoutMs: number;
}

/** All plugin servers of one Kong: what they offer, and the processes of those that it manages. */
export class PluginServers {
  #infos = new Map<string, PluginInfo>();
  readonly #running = new Map<string, PluginServer>();
  readonly #leaving = new Set<Promise<void>>();
  /** Lines of standard output and standard error of every server. */
  readonly output: string[] = [];

  constructor(private readonly options: PluginServersOptions) {}

  /** The plugins by name. */
  get plugins(): ReadonlyMap<string, PluginInfo> {
    return this.#infos;
  }

  /** Kong starts (and starts again) at least one of them. */
  get isManaging(): boolean {
    return this.options.servers.some((server) => server.startCommand !== undefined);
  }

  socketOf(server: PluginServerOptions): string {
    return server.socket ?? join(this.options.prefix, `${server.name}.socket`);
  }

  /** @throws Error where a dump cannot be read: Kong does not start then */
  async query(): Promise<void> {
    const infos = new Map<string, PluginInfo>();
    for (const { queryCommand } of this.options.servers) {
      const info = await queryPluginInfo(queryCommand, {
        timeoutMs: this.options.queryTimeoutMs,
        onErrorLine: (line) => this.output.push(line),
      });
      infos.set(info.name, info);
    }
    this.#infos = infos;
  }

  start(): void {
    for (const { name, startCommand } of this.options.servers) {
      if (startCommand === undefined) continue;
      const server = new PluginServer(startCommand, (line) => this.output.push(line));
      this.#running.set(name, server);
      server.start();
    }
  }

  /** New processes at once, the old ones leave a moment later. */
  replace(): void {
    const old = [...this.#running.values()];
    this.start();
    const leaving = sleep(OVERLAP_MS).then(async () => {
      await Promise.all(old.map((server) => server.stop()));
    });
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((server) => server.stop()));
    this.#running.clear();
    await Promise.all(this.#leaving);
  }

  pid(name: string): number | null {
    return this.#running.get(name)?.pid ?? null;
  }

  kill(name: string): void {
    this.#running.get(name)?.kill('SIGKILL');
  }
}
