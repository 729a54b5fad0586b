/** The parts of kong-pdk 0.6 that the dedicated server uses; the package has no types for them. */
declare module 'kong-pdk/server' {
  export interface PluginInfo {
    Name: string;
    Version: string;
    Phases: string[];
    Priority: number;
    Schema: unknown;
  }
  export default class Server {
    constructor(pluginDir: string | undefined, logger: object, expireTtl?: number);
    readonly plugins: Map<string, unknown>;
    readonly instances: ReadonlyMap<number, unknown>;
    readonly events: Map<number, unknown>;
    readonly clearExpiredPluginsTimer: NodeJS.Timeout;
    GetPluginInfo(name: string): Promise<PluginInfo>;
    StartInstance(config: unknown): Promise<object>;
    HandleEvent(event: unknown): Promise<{ EventId: number }>;
    close(): void;
  }
}

declare module 'kong-pdk/lib/mod' {
  export class Module {
    constructor(name: string, path: null, literal: object);
    readonly name: string;
  }
}
