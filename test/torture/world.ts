import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findStatusSocket } from '../../src/app/status-host';
import type { Issued } from '../../src/authority/authority';
import type { CertificateStatus, StatusReport } from '../../src/public';
import type { KongMode, StartKong, TestKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { ask } from '../support/http';
import { servedLeaf } from '../support/tls';
import { AdminProxy } from './admin-proxy';
import { judge, type Finding, type Span, type StepBack, type Version } from './judge';
import { certificateId, contentOf, documentOf, entitiesOf, OtherWriter, type Content } from './kong-content';
import { Supply } from './supply';
import { Watch } from './watch';

/** As long as an old plugin server lives beside its successor, and connections are drained. */
const RELOAD_MS = 1_500;

export interface WorldOptions {
  mode: KongMode;
  /** How many certificates Kong has that a folder renews. */
  count?: number;
  /** How long an older certificate may be seen after a newer one. */
  lagMs?: number;
  /** Within this time everything has to be well again by itself. Default one minute: a busy machine takes long. */
  recoveryMs?: number;
}

/**
 * A Kong with the plugin, a folder whose certificates Kong has, entities of others, an Admin API that a fault can
 * spoil, and somebody who watches what is served all the time.
 */
export class World {
  readonly other: OtherWriter;
  readonly #downtimes: Span[] = [];
  readonly #stepsBack: StepBack[] = [];
  readonly #unsaid: string[] = [];
  readonly #removed = new Set<string>();
  #crashes = 0;
  #pid: number | null = null;
  #mayEnd = false;
  #atTheStart: Version[] = [];

  private constructor(
    readonly kong: TestKong,
    readonly admin: AdminProxy,
    readonly supply: Supply,
    /** Without a database: what Kong starts from. */
    private readonly file: string,
    private readonly lagMs: number,
    private readonly recoveryMs: number,
  ) {
    this.other = new OtherWriter(kong, (content, post) => this.#goesBackTo(numbersIn(content, supply), post));
  }

  static async start(
    startKong: StartKong,
    { mode, count = 3, lagMs = 0, recoveryMs = 60_000 }: WorldOptions,
  ): Promise<World> {
    const supply = new Supply(count);
    const content = contentOf(supply.names, supply.renew(), supply.issue('stranger.test'), configOf(supply));
    const file = join(mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-torture-')), 'kong.yml');
    writeFileSync(file, documentOf(content));
    const admin = await AdminProxy.start();
    const pluginArguments = ['--admin-url', admin.url];
    const kong = await startKong({
      ...{ mode, pluginArguments },
      ...(mode === 'dbless' ? { declarativeConfig: file } : {}),
    });
    admin.upstream = kong.adminUrl;
    const world = new World(kong, admin, supply, file, lagMs, recoveryMs);
    try {
      if (mode === 'database') await world.other.load(content);
      await eventually('the plugin has everything in step', async () => isWell(await world.status(), count));
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  get mode(): KongMode {
    return this.kong.mode;
  }

  get names(): readonly string[] {
    return this.supply.names;
  }

  async status(): Promise<StatusReport> {
    return JSON.parse((await ask({ socketPath: this.#socket }, '/status')).text) as StatusReport;
  }

  /** Asks for a pass and waits for it. */
  async poll(): Promise<void> {
    await ask({ socketPath: this.#socket }, '/poll?wait=1', { method: 'POST' });
  }

  /** The status has to say something while the fault lasts. @returns whether it did */
  async says(
    what: string,
    look: (status: StatusReport) => boolean,
    timeoutMs = this.recoveryMs,
  ): Promise<void> {
    await eventually(what, async () => look(await this.status()), timeoutMs).catch(() =>
      this.#unsaid.push(what),
    );
  }

  async saysOf(name: string, what: string, look: (one: CertificateStatus) => boolean): Promise<void> {
    await this.says(`${name}: ${what}`, ({ reloaders }) =>
      reloaders.some(({ certificates }) => certificates.some((one) => one.snis.includes(name) && look(one))),
    );
  }

  /** Something that a user would count on holds. */
  expects(what: string, holds: boolean): void {
    if (!holds) this.#unsaid.push(what);
  }

  /** The plugin has nothing left to do. */
  inStep(): Promise<void> {
    return this.says('everything is in step', (status) => isWell(status, 1));
  }

  /** Every name's newest certificate is served. */
  async served(names: readonly string[] = this.names, timeoutMs = this.recoveryMs): Promise<void> {
    for (const name of names) {
      await eventually(
        `the newest of ${name} is served`,
        async () => (await servedLeaf(this.kong.tlsPort, name)) === this.supply.newest(name).fingerprint,
        timeoutMs,
      );
    }
  }

  /** Kong ends connections or does not answer meanwhile, by its own doing. */
  async downtime(work: () => Promise<void>): Promise<void> {
    const span = { from: performance.now(), to: Infinity };
    this.#downtimes.push(span);
    await work();
    span.to = performance.now();
  }

  /** Without a database a restarted Kong begins with what it had when the fault began. */
  async restart(): Promise<void> {
    await this.mayEnd(() =>
      this.#goesBackToTheStart(async () => {
        await this.kong.restart();
        this.admin.upstream = this.kong.adminUrl;
      }),
    );
  }

  /** As SIGHUP to the master: connections end, the plugin server is replaced, the declarative file is read again. */
  async reload(): Promise<void> {
    const before = this.kong.pluginServerPid();
    await this.mayEnd(() =>
      this.#goesBackToTheStart(async () => {
        this.signalMaster('SIGHUP');
        await eventually('there is another plugin server', () => {
          const pid = this.kong.pluginServerPid();
          return pid !== null && pid !== before;
        });
        await sleep(RELOAD_MS);
      }),
    );
  }

  signalMaster(signal: NodeJS.Signals): void {
    process.kill(Number(readFileSync(join(this.kong.prefix, 'pids', 'nginx.pid'), 'utf8')), signal);
  }

  /** Another writer puts this pair into Kong, whatever is there. */
  overwrite(name: string, pair: Issued): Promise<void> {
    return this.#goesBackTo([{ name, number: this.supply.numberOf(pair) }], () =>
      this.other.putCertificate(certificateId(this.names.indexOf(name)), pair),
    );
  }

  /** Another client removes the certificate of a name for good. */
  async remove(name: string): Promise<void> {
    this.#removed.add(name);
    await this.other.removeCertificate(this.names.indexOf(name));
  }

  /** Sends a signal to the plugin's process. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.kong.pluginServerPid();
    if (pid !== null) process.kill(pid, signal);
  }

  /** Has the plugin's process end, and waits for the next one. */
  async endPlugin(signal: NodeJS.Signals): Promise<void> {
    const before = this.kong.pluginServerPid();
    this.signal(signal);
    await eventually('there is another plugin server', () => {
      const pid = this.kong.pluginServerPid();
      return pid !== null && pid !== before;
    });
  }

  /** The plugin's process gets no further file descriptors. @returns a function that gives them back */
  limitDescriptors(): () => void {
    const pid = String(this.kong.pluginServerPid());
    const open = readdirSync(`/proc/${pid}/fd`).length;
    const limit = (count: string) => execFileSync('prlimit', ['--pid', pid, `--nofile=${count}:`]);
    limit(String(open));
    return () => void limit('1024');
  }

  /** The plugin's process may end in `work`. */
  async mayEnd(work: () => Promise<void>): Promise<void> {
    this.#mayEnd = true;
    try {
      await work();
      await eventually('the plugin answers again', () => this.status());
      await this.says('the entry is looked after', ({ reloaders }) => reloaders.length > 0);
    } finally {
      this.#pid = this.kong.pluginServerPid();
      this.#mayEnd = false;
    }
  }

  /** The plugin's entry with other configuration. */
  configure(config: object, enabled = true): Promise<void> {
    return this.other.putEntry({ ...configOf(this.supply), ...config }, enabled);
  }

  /** A fault from beginning to end. @returns what it is charged with, and how long it took to be well again */
  async suffer(fault: () => Promise<void>): Promise<{ findings: Finding[]; recoveryMs: number }> {
    const from = performance.now();
    const issued = this.supply.secrets.length;
    const said = this.kong.output().length;
    this.#pid = this.kong.pluginServerPid();
    this.#crashes = 0;
    this.#unsaid.length = 0;
    this.other.changes.clear();
    this.#atTheStart = this.#watched.map((name) => this.supply.newest(name));
    if (this.mode === 'dbless') writeFileSync(this.file, documentOf(await this.other.read()));
    const before = await entitiesOf(this.kong, this.names.length);
    const watch = new Watch(
      () => this.kong.tlsPort,
      () => this.#watched,
    );
    const timer = setInterval(() => this.#lookAtProcess(), 50);
    const notRecovered: string[] = [];
    let over: number;
    try {
      await eventually('the watch has begun', () => watch.hasBegun);
      await fault();
      over = performance.now();
      for (const name of this.names.filter((one) => !this.#removed.has(one))) {
        await this.served([name]).catch((error: unknown) => notRecovered.push((error as Error).message));
        if (notRecovered.length > 0) break;
      }
      over = performance.now() - over;
      await this.inStep();
    } finally {
      clearInterval(timer);
      await watch.stop();
    }
    const { handshakes, requests } = watch;
    const output = this.kong.output().slice(said);
    const findings = judge({
      ...{ handshakes, requests, before, notRecovered, versions: this.supply.versions },
      watched: this.#watched,
      downtimes: this.#downtimes.filter(({ to }) => to >= from),
      stepsBack: this.#stepsBack.filter(({ to }) => to >= from),
      after: await entitiesOf(this.kong, this.names.length),
      changedByOthers: Object.fromEntries(this.other.changes),
      unsaid: [...this.#unsaid],
      crashes: this.#crashes,
      leaks: this.supply.secrets.slice(issued).filter((line) => output.includes(line)).length,
      lagMs: this.lagMs,
    });
    return { findings, recoveryMs: over };
  }

  async stop(): Promise<void> {
    await this.kong.stop();
    await this.admin.stop();
    this.supply.remove();
    rmSync(dirname(this.file), { recursive: true, force: true });
  }

  /** Kong has these certificates again while `work` lasts, by somebody else's doing. */
  async #goesBackTo(
    versions: readonly Pick<Version, 'name' | 'number'>[],
    work: () => Promise<void>,
  ): Promise<void> {
    const steps = versions.map(({ name, number }) => ({
      name,
      number,
      from: performance.now(),
      to: Infinity,
    }));
    this.#stepsBack.push(...steps);
    await work();
    for (const step of steps) step.to = performance.now();
  }

  #goesBackToTheStart(work: () => Promise<void>): Promise<void> {
    return this.#goesBackTo(this.mode === 'dbless' ? this.#atTheStart : [], () => this.downtime(work));
  }

  get #socket(): string {
    return findStatusSocket(this.kong.prefix);
  }

  /** A few names: handshakes of the watch take the CPU from Kong. */
  get #watched(): string[] {
    return this.names.filter((name) => !this.#removed.has(name)).slice(0, 3);
  }

  #lookAtProcess(): void {
    const pid = this.kong.pluginServerPid();
    if (pid === this.#pid) return;
    if (!this.#mayEnd && this.#pid !== null) this.#crashes++;
    this.#pid = pid;
  }
}

const configOf = ({ folder }: Supply) => ({
  interval: 1,
  sources: [{ type: 'directory', path: folder, create: false }],
});

/** Which versions a whole configuration holds. */
function numbersIn(content: Content, supply: Supply): Pick<Version, 'name' | 'number'>[] {
  const certificates = content['certificates'] ?? [];
  return supply.names.flatMap((name, index) => {
    const cert = certificates.find(({ id }) => id === certificateId(index))?.['cert'];
    return typeof cert === 'string' ? [{ name, number: supply.numberOf({ cert }) }] : [];
  });
}

/** At least so many certificates, all of them as they should be. */
function isWell({ reloaders }: StatusReport, atLeast: number): boolean {
  const certificates = reloaders.flatMap((reloader) => reloader.certificates);
  return (
    reloaders.every((reloader) => reloader.is_current) &&
    certificates.length >= atLeast &&
    certificates.every(({ state }) => state === 'in_sync' || state === 'no_source' || state === 'unused')
  );
}
