import { Module } from 'kong-pdk/lib/mod';
import Server, { type PluginInfo } from 'kong-pdk/server';

/** A plugin's module, as kong-pdk wants it. */
export interface PluginModule {
  Name: string;
  Version: string;
  Priority: number;
  Schema: readonly object[];
  Plugin: new (config: unknown) => object;
}

export interface PluginServerLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Interval at which kong-pdk looks for unused instances, in milliseconds; its default is 60 times a second. */
const EXPIRY_CHECK_MS = 60_000;

/** Most instances, which are kept for two minutes; Kong makes none of a plugin without phases. */
const MAX_INSTANCES = 64;

/** Forgets what clients begin and never end. */
class BoundedServer extends Server {
  override async StartInstance(config: unknown): Promise<object> {
    if (this.instances.size >= MAX_INSTANCES) throw new Error('there are too many instances');
    return super.StartInstance(config);
  }

  /** Without phases an event is over at once. */
  override async HandleEvent(event: unknown): Promise<{ EventId: number }> {
    const answer = await super.HandleEvent(event);
    this.events.delete(answer.EventId);
    return answer;
  }
}

/** kong-pdk's server for one plugin that is part of this program: no folder is searched, no TypeScript is loaded. */
export function createServer(plugin: PluginModule, log: PluginServerLog): Server {
  const server = new BoundedServer(undefined, log, EXPIRY_CHECK_MS);
  server.clearExpiredPluginsTimer.unref();
  const module = new Module(plugin.Name, null, plugin);
  server.plugins.set(module.name, module);
  return server;
}

/** Answer to Kong's query command. */
export async function dump(plugin: PluginModule): Promise<PluginInfo[]> {
  const silent = () => undefined;
  const server = createServer(plugin, { debug: silent, info: silent, warn: silent, error: silent });
  server.close();
  return [await server.GetPluginInfo(plugin.Name)];
}
