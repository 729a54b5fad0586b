import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAdmin } from './admin/assemble';
import { md5 } from './admin/config-endpoint';
import { EntityService } from './admin/entity-service';
import type { AdminServer, LoggedRequest } from './admin/server';
import { Controls } from './controls';
import type { SchemaFor } from './declarative/check';
import { loadDocument } from './declarative/load';
import { parseDocument } from './declarative/parse';
import type { CertificateRow, Row } from './entities/rows';
import { NO_CONFIGURATION, Store } from './entities/store';
import { textOf } from './json';
import { kongEnvironment } from './kong-env';
import type { GatewayOptions, Mode, SeedCertificate } from './options';
import {
  ensureDefaultCertificate,
  openPrefix,
  readDeclarativePath,
  readPairs,
  writeCommits,
  writeEnvironment,
  writePid,
  type Prefix,
} from './prefix';
import { onHangUp } from './processes/hang-up';
import { PluginServers } from './processes/plugin-servers';
import { seedRows } from './seed';
import { Proxy } from './tls/proxy';

const TEN_MEBIBYTES = 10 * 1024 * 1024;
const QUERY_TIMEOUT_MS = 30_000;
const DEFAULT_WORKERS = 2;

/** A stand-in for a running Kong. */
export class Gateway extends Controls {
  readonly mode: Mode;
  /** Ports stay the same over a restart. */
  tlsPort: number;
  httpPort: number;
  readonly #options: GatewayOptions;
  readonly #prefix: Prefix;
  readonly #defaultFiles: { cert: string; key: string };
  readonly #plugins: PluginServers;
  readonly #entities: EntityService;
  readonly #requests: LoggedRequest[] = [];
  readonly #workerPids: number[];
  #admin: AdminServer;
  #proxy: Proxy;
  #adminListen: string;
  #ignoreHangUp: () => void = () => undefined;
  #isStopped = false;

  private constructor(options: GatewayOptions) {
    const { workers = DEFAULT_WORKERS } = options;
    super(options.beside?.store ?? new Store(), workers);
    this.#options = options;
    this.mode = options.mode ?? 'dbless';
    this.tlsPort = options.tlsPort ?? 0;
    this.httpPort = options.httpPort ?? 0;
    this.#adminListen = options.adminListen ?? '127.0.0.1:0';
    this.#prefix = openPrefix(options.prefix);
    if (this.mode === 'dbless') this.store.onCommit = (times) => writeCommits(this.prefix, times);
    this.#defaultFiles = options.defaultCertificate ?? ensureDefaultCertificate(this.prefix);
    // The workers are no processes; the numbers only tell them apart.
    this.#workerPids = Array.from({ length: workers }, (_, index) => process.pid + 1 + index);
    this.#plugins = new PluginServers({
      servers: options.pluginServers ?? [],
      prefix: this.prefix,
      queryTimeoutMs: options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
    });
    this.#entities = new EntityService(this.store, this.mode, () => this.#plugins.plugins);
    this.#admin = this.#makeAdmin();
    this.#proxy = this.#makeProxy();
  }

  /** @throws Error where a Kong would not start: a dump that is not JSON, a broken kong.yml, … */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    try {
      await gateway.#boot();
      gateway.#ignoreHangUp = onHangUp(() => void gateway.reload());
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
  }

  get prefix(): string {
    return this.#prefix.path;
  }

  get adminUrl(): string {
    return this.#admin.url;
  }

  /** Every request to the Admin API, in the order of the answers. */
  get requests(): readonly LoggedRequest[] {
    return this.#requests;
  }

  clearRequests(): void {
    this.#requests.length = 0;
  }

  /** Rows as they are stored, in the order of their ids. */
  entities(type: string): Row[] {
    return [...this.store.table(type).rows()];
  }

  /** Certificates with their names. */
  certificates(): (CertificateRow & { names: string[] })[] {
    return this.entities('certificates').map((row) => ({
      ...(row as CertificateRow),
      names: this.store.snisOf(row.id),
    }));
  }

  get configurationHash(): string {
    return this.store.configurationHash;
  }

  /** Loads certificates without any check, for measurements. Without a database the hash changes with it. */
  seed(certificates: readonly SeedCertificate[]): void {
    for (const [type, row] of seedRows(certificates)) this.store.put(type, row);
    if (this.mode === 'dbless') this.store.configurationHash = md5(`${certificates.length} ${Date.now()}`);
  }

  pluginServerPid(name: string): number | null {
    return this.#plugins.pid(name);
  }

  killPluginServer(name: string): void {
    this.#plugins.kill(name);
  }

  /** Lines of standard output and standard error of the plugin servers, and of the queries' standard error. */
  get pluginServerOutput(): readonly string[] {
    return this.#plugins.output;
  }

  /** Reloads like SIGHUP to the master. @returns false where it failed and everything stays as it was */
  async reload(): Promise<boolean> {
    try {
      const pairs = readPairs(this.#defaultFiles);
      await this.#plugins.query();
      // Kong's init reads the file again; a posted configuration lives on only where there is no file.
      if (this.mode === 'dbless' && readDeclarativePath(this.prefix) !== null) this.#loadDeclarative();
      this.#proxy.setDefaultCertificate(pairs);
    } catch {
      return false;
    }
    this.#proxy.closeIdle();
    this.#plugins.replace();
    return true;
  }

  /** Stop and start. Without a database what was posted is lost; ports and prefix stay. */
  async restart(meanwhile?: () => Promise<void>): Promise<void> {
    await this.#shutDown();
    await meanwhile?.();
    this.#admin = this.#makeAdmin();
    this.#proxy = this.#makeProxy();
    await this.#boot();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#ignoreHangUp();
    this.serving.release();
    await this.#shutDown();
    this.#prefix.remove();
  }

  async #boot(): Promise<void> {
    await this.#plugins.query();
    if (this.mode === 'dbless') this.#loadDeclarative();
    ({ tlsPort: this.tlsPort, httpPort: this.httpPort } = await this.#proxy.listen());
    await this.#admin.listen(this.#adminListen);
    this.#adminListen = this.adminUrl.replace('http://', '');
    writeEnvironment(this.prefix, this.#environment());
    writePid(this.prefix, process.pid);
    this.#plugins.start();
  }

  async #shutDown(): Promise<void> {
    await Promise.all([this.#admin.close(), this.#proxy.close(), this.#plugins.stop()]);
  }

  #loadDeclarative(): void {
    const { declarativeConfig: given } = this.#options;
    if (given === undefined) {
      this.store.replaceAll(new Map(), NO_CONFIGURATION);
      return;
    }
    const text = existsSync(given) ? readFileSync(given, 'utf8') : given;
    this.store.replaceAll(loadDocument(parseDocument(text), this.#schemaFor), md5(text));
  }

  readonly #schemaFor: SchemaFor = (name, item) =>
    name === 'plugins' && !this.#plugins.plugins.has(textOf(item['name']))
      ? undefined
      : this.#entities.schemaFor(name, item);

  #makeProxy(): Proxy {
    return new Proxy({
      tlsPort: this.tlsPort,
      httpPort: this.httpPort,
      defaultCertificate: readPairs(this.#defaultFiles),
      contextFor: (serverName) => this.serving.contextFor(serverName),
    });
  }

  #makeAdmin(): AdminServer {
    return makeAdmin({
      entities: this.#entities,
      schemaFor: (name, item) => this.#schemaFor(name, item),
      faults: this.faults,
      log: this.#requests,
      maxBodyBytes: this.#options.maxBodyBytes ?? TEN_MEBIBYTES,
      node: {
        workerPids: this.#workerPids,
        masterPid: process.pid,
        connections: () => this.#proxy.counters(),
        underWay: () => this.#admin.underWay + this.#workerPids.length,
        isManagingPluginServers: () => this.#plugins.isManaging,
        configuration: () => ({
          ...this.#environment(),
          pg_password: '******',
          kong_env: join(this.prefix, '.kong_env'),
        }),
        plugins: () => this.#plugins.plugins,
      },
    });
  }

  #environment(): Record<string, string> {
    return kongEnvironment(
      {
        mode: this.mode,
        prefix: this.prefix,
        adminListen: this.#adminListen,
        tlsPort: this.tlsPort,
        httpPort: this.httpPort,
        workers: this.#workerPids.length,
        defaultCertificate: this.#defaultFiles,
        plugins: [...this.#plugins.plugins.keys()],
        socketOf: (server) => this.#plugins.socketOf(server),
      },
      this.#options,
    );
  }
}
