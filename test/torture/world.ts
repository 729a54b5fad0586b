import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findStatusSocket } from '../../src/app/status-host';
import type { Issued } from '../../src/authority/authority';
import type { CertificateState } from '../../src/model';
import type { CertificateStatus, StatusReport } from '../../src/public';
import type { KongMode, StartKong, TestKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { ask } from '../support/http';
import { servedLeaf } from '../support/tls';
import { AdminProxy, answer, isWrite } from './admin-proxy';
import type { DatabaseProxy, DatabaseTrouble } from './database-proxy';
import { hearingsOf } from './hearings';
import { judge, type Evidence, type Finding, type Span, type StepBack, type Version } from './judge';
import { certificateId, contentOf, documentOf, entitiesOf, OtherWriter, type Content } from './kong-content';
import { Supply } from './supply';
import { Watch } from './watch';

/** Time that an old plugin server lives beside its successor, and that connections are drained. */
const RELOAD_MS = 1_500;
const REMAINS_MS = 500;
/** For each certificate, on a busy machine. */
const START_MS = 300;
/** The plugin says that it overwrote what somebody else posted. */
const LOST = "somebody else's update of Kong was overwritten";

export interface WorldOptions {
  mode: KongMode;
  /** Number of certificates in Kong that a folder renews. */
  count?: number;
  /** Time in which an older certificate may still be seen after a newer one. */
  lagMs?: number;
  /** Within this time everything has to be well again by itself. Default one minute: a busy machine takes long. */
  recoveryMs?: number;
  /** More for the plugin's entry. */
  config?: object;
  /** Start command of the plugin, made with a folder that the world removes. */
  launcher?: ((folder: string) => string) | undefined;
  /** A Kong with processes of its own. */
  isReal?: boolean;
  /** Between a real Kong and its database. */
  database?: DatabaseProxy | undefined;
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
  readonly #leftBehind: string[] = [];
  readonly #repeated: string[] = [];
  readonly #removed = new Set<string>();
  /** Of other gateways, which have been stopped. */
  readonly #otherWatches: Watch[] = [];
  #crashes = 0;
  #pid: number | null = null;
  #mayEnd = false;
  #atTheStart: Version[] = [];
  #reportedBefore = 0;

  private constructor(
    private readonly startKong: StartKong,
    readonly kong: TestKong,
    readonly admin: AdminProxy,
    readonly supply: Supply,
    /** Without a database: what Kong starts from. */
    private readonly file: string,
    private readonly lagMs: number,
    private readonly recoveryMs: number,
    private readonly databaseProxy: DatabaseProxy | undefined,
  ) {
    this.other = new OtherWriter(kong, (content, post) => this.#goesBackTo(numbersIn(content, supply), post));
  }

  static async start(
    startKong: StartKong,
    { mode, count = 3, lagMs = 0, recoveryMs = 60_000, config = {}, launcher, database }: WorldOptions,
  ): Promise<World> {
    const supply = new Supply(count);
    const pairs = supply.renew();
    const content = contentOf(supply.names, pairs, supply.issue('stranger.test'), {
      ...configOf(supply),
      ...config,
    });
    const file = join(mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-torture-')), 'kong.yml');
    writeFileSync(file, documentOf(content));
    const admin = await AdminProxy.start();
    const pluginArguments = ['--admin-url', admin.url];
    const kong = await startKong({
      ...{ mode, pluginArguments },
      ...(launcher === undefined ? {} : { pluginLauncher: launcher(dirname(file)) }),
      ...(mode === 'dbless' ? { declarativeConfig: file } : {}),
    });
    admin.upstream = kong.adminUrl;
    const world = new World(startKong, kong, admin, supply, file, lagMs, recoveryMs, database);
    try {
      if (mode === 'database') await world.other.load(content);
      const isReady = async () => isWell(await world.status(), count);
      await eventually('the plugin has everything in step', isReady, 60_000 + count * START_MS);
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

  /** For files of a fault; gone with the world. */
  get folder(): string {
    return dirname(this.file);
  }

  /** See `DatabaseProxy.losingEvents`. */
  losingEvents(count: number, work: () => Promise<void>): Promise<void> {
    return this.#database.losingEvents(count, work);
  }

  /** The database is in trouble meanwhile. Kong's workers refuse names whose certificate they have to read then. */
  withoutDatabase(trouble: DatabaseTrouble, work: () => Promise<void>): Promise<void> {
    return this.downtime(() => this.#database.during(trouble, work));
  }

  get #database(): DatabaseProxy {
    if (this.databaseProxy === undefined) throw new Error('there is no database to be spoilt');
    return this.databaseProxy;
  }

  /**
   * The next so many writes of certificates are made meanwhile, and Kong loses its database's answer: it says 500, tells
   * none of its workers, and goes on with what it had.
   */
  async losingWrites(count: number, work: () => Promise<void>): Promise<void> {
    if (this.databaseProxy !== undefined) return this.databaseProxy.losingAnswers(count, work);
    let left = count;
    await this.admin.during(
      async (exchange) => {
        left -= 1;
        await this.kong.withoutInvalidation?.(async () => {
          await exchange.forward();
        });
        await answer(500, { message: 'An unexpected error occurred' })(exchange);
      },
      work,
      (request) => left > 0 && isWrite(request) && request.path.startsWith('/certificates'),
    );
  }

  status(): Promise<StatusReport> {
    return statusOf(this.kong);
  }

  /** Asks for a pass and waits for it. */
  async poll(): Promise<void> {
    await ask({ socketPath: this.#socket }, '/poll?wait=1', { method: 'POST' });
  }

  /** The status has to say something while the fault lasts. @returns whether it did */
  async says(
    what: string,
    look: (status: StatusReport) => boolean | Promise<boolean>,
    timeoutMs = this.recoveryMs,
  ): Promise<void> {
    let last: StatusReport | null = null;
    const hears = async () => look((last = await this.status()));
    await eventually(what, hears, timeoutMs).catch(() => this.#unsaid.push(`${what}; ${statesOf(last)}`));
  }

  /**
   * Somebody changes something while certificates are written, and the status says what comes of it. Without a database the
   * change may be lost; it is made again once the log says so, as an operator would.
   */
  async saysAfter(
    change: () => Promise<void>,
    what: string,
    look: (status: StatusReport) => boolean,
  ): Promise<void> {
    let known = this.#reportedLosses;
    await change();
    await this.says(what, async (status) => {
      const isLost = this.#reportedLosses > known;
      known = this.#reportedLosses;
      if (isLost) await change();
      return look(status);
    });
  }

  get #reportedLosses(): number {
    return this.kong.log().filter(({ message }) => message === LOST).length;
  }

  async saysOf(name: string, what: string, look: (one: CertificateStatus) => boolean): Promise<void> {
    await this.says(`${name}: ${what}`, ({ reloaders }) =>
      reloaders.some(({ certificates }) => certificates.some((one) => one.snis.includes(name) && look(one))),
    );
  }

  /** From now on each write of certificates counts that is made again. */
  countRepeated(when: string): void {
    this.#repeated.push(...this.admin.takeRepeated().map((write) => `${when}: ${write}`));
  }

  /** Files that a killed process left half made, and files of state that cannot be read. */
  async lookForRemains(when: string): Promise<void> {
    let remains = this.#remains();
    // A draft of a process that runs is there for an instant.
    if (remains.length > 0) await sleep(REMAINS_MS);
    remains = remains.filter((name) => this.#remains().includes(name));
    for (const name of remains)
      if (!this.#leftBehind.some((one) => one.endsWith(name))) this.#leftBehind.push(`${when}: ${name}`);
  }

  #remains(): string[] {
    return [this.kong.prefix, this.folder].flatMap((folder) =>
      readdirSync(folder).filter((name) => {
        if (/^ssl-cert-reloader\.(differences|holds|homes|known|reloads|told)/.test(name))
          return !isJson(readFileSync(join(folder, name), 'utf8'));
        // On a busy machine a process that runs takes a while for its file.
        if (name.endsWith(`.ssl-cert-reloader-${this.kong.pluginServerPid() ?? 'none'}`)) return false;
        return /\.ssl-cert-reloader-|ssl-cert-reloader.*\.[\da-f]+$/.test(name);
      }),
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
  async served(
    names: readonly string[] = this.names,
    timeoutMs = this.recoveryMs,
    port = this.kong.tlsPort,
  ): Promise<void> {
    for (const name of names) {
      await eventually(
        `the newest of ${name} is served`,
        async () => (await servedLeaf(port, name)) === this.supply.newest(name).fingerprint,
        timeoutMs,
      );
    }
  }

  /** Without a database: what Kong starts from. */
  startFile(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** Kong ends connections or does not answer meanwhile, by its own doing. */
  async downtime(work: () => Promise<void>): Promise<void> {
    const span = { from: performance.now(), to: Infinity };
    this.#downtimes.push(span);
    await work();
    span.to = performance.now();
  }

  /** Without a database a restarted Kong begins with what it had when the fault began. */
  async restart(meanwhile?: () => Promise<void>): Promise<void> {
    await this.mayEnd(() =>
      this.#goesBackToTheStart(async () => {
        await this.kong.restart(meanwhile);
        this.admin.upstream = this.kong.adminUrl;
      }),
    );
  }

  /** Reloads like SIGHUP to the master: connections end, the plugin server is replaced, the declarative file is read again. */
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

  /** The master dies, its workers a second later, and Kong is started anew. */
  async killMaster(): Promise<void> {
    const workers = this.workers();
    await this.mayEnd(() =>
      this.#goesBackToTheStart(async () => {
        this.signalMaster('SIGKILL');
        await sleep(1_000);
        for (const worker of workers) process.kill(worker, 'SIGKILL');
        this.signal('SIGKILL');
        await this.kong.restart();
        this.admin.upstream = this.kong.adminUrl;
      }),
    );
  }

  /** Kills one worker of a real Kong, and waits for the one in its place. */
  async killWorker(worker: number): Promise<void> {
    const before = this.workers();
    process.kill(worker, 'SIGKILL');
    await eventually('there is another worker', () => {
      const now = this.workers();
      return now.length >= before.length && !now.includes(worker);
    });
    await sleep(RELOAD_MS);
  }

  /** Their processes, where Kong is a real one. */
  workers(): number[] {
    const master = String(this.#master);
    return readdirSync('/proc').flatMap((entry) => {
      if (!/^\d+$/.test(entry)) return [];
      try {
        const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
        return parent === master ? [Number(entry)] : [];
      } catch {
        // The process ended between the two looks.
        return [];
      }
    });
  }

  signalWorkers(signal: NodeJS.Signals): void {
    for (const worker of this.workers()) process.kill(worker, signal);
  }

  signalMaster(signal: NodeJS.Signals): void {
    process.kill(this.#master, signal);
  }

  get #master(): number {
    return Number(readFileSync(join(this.kong.prefix, 'pids', 'nginx.pid'), 'utf8'));
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

  /** The plugin's process gets no further file descriptors meanwhile. */
  withoutDescriptors(work: () => Promise<void>): Promise<void> {
    const open = readdirSync(`/proc/${String(this.kong.pluginServerPid())}/fd`).length;
    return this.#limited('nofile', { meanwhile: String(open), afterwards: '1024' }, work);
  }

  /** No file that the plugin's process writes may grow meanwhile. */
  withFullDisk(work: () => Promise<void>): Promise<void> {
    return this.#limited('fsize', { meanwhile: '0', afterwards: 'unlimited' }, work);
  }

  async #limited(
    resource: string,
    { meanwhile, afterwards }: { meanwhile: string; afterwards: string },
    work: () => Promise<void>,
  ): Promise<void> {
    const pid = String(this.kong.pluginServerPid());
    const limit = (value: string) => execFileSync('prlimit', ['--pid', pid, `--${resource}=${value}:`]);
    limit(meanwhile);
    try {
      await work();
    } finally {
      limit(afterwards);
    }
  }

  /** A second process of the plugin looks after the same Kong and the same files meanwhile. */
  async withRival(work: () => Promise<void>): Promise<void> {
    const prefix = join(this.folder, 'rival');
    mkdirSync(prefix, { recursive: true });
    const verify = { listeners: [`127.0.0.1:${this.kong.tlsPort}`] };
    writeFileSync(join(prefix, 'reloader.yml'), JSON.stringify({ ...configOf(this.supply), verify }));
    const command = ['run', '-c', join(prefix, 'reloader.yml'), '-p', prefix, '--admin-url', this.admin.url];
    const rival = spawn('dist/ssl-cert-reloader.cjs', command, { stdio: 'ignore' });
    const ended = once(rival, 'exit');
    const socketPath = findStatusSocket(prefix);
    try {
      await eventually('the second process answers', async () =>
        isWell(JSON.parse((await ask({ socketPath }, '/status')).text) as StatusReport, 1),
      );
      // Two that post a whole configuration at one time can take each other back: Kong has no compare-and-set.
      const now = this.mode === 'dbless' ? this.names.map((name) => this.supply.newest(name)) : [];
      await this.#goesBackTo(now, work);
    } finally {
      rival.kill('SIGTERM');
      await ended;
    }
  }

  /** Another Kong on the same database, with a plugin of its own, which looks after the same files meanwhile. */
  async withSecondGateway(work: (second: TestKong) => Promise<void>): Promise<void> {
    const second = await this.startKong({ mode: this.mode, beside: this.kong });
    const watch = new Watch(
      () => second.tlsPort,
      () => this.#watched,
    );
    try {
      await eventually('the second gateway has everything in step', async () =>
        isWell(await statusOf(second), this.names.length),
      );
      await watch.begun();
      await work(second);
    } finally {
      await watch.stop();
      this.#otherWatches.push(watch);
      await second.stop();
    }
  }

  /** What is served now may be served again in `work`: the plugin rolls back, and should. */
  mayGoBack(work: () => Promise<void>): Promise<void> {
    return this.#goesBackTo(
      this.names.map((name) => this.supply.newest(name)),
      work,
    );
  }

  /**
   * Without a database, Kong's API lets nobody save an update that is committed between two of its answers. As many
   * as the log says are forgiven.
   */
  async forgiveReportedLosses(): Promise<void> {
    const reported = this.#reportedLosses - this.#reportedBefore;
    const now = await entitiesOf(this.kong, this.names.length);
    const lost = [...this.other.changes].filter(([key, text]) => (now[key] ?? null) !== text);
    // An update holds two entities at most here.
    for (const [key] of lost.slice(0, 2 * reported)) this.other.changes.set(key, now[key] ?? null);
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
    return this.other.putEntry(this.config(config), enabled);
  }

  /** The plugin follows other configuration from now on. */
  async reconfigure(config: object): Promise<void> {
    const times = () => this.kong.log().filter(({ message }) => message === 'reloader reconfigured').length;
    const before = times();
    await this.configure(config);
    await eventually('the plugin follows its entry', () => times() > before);
  }

  config(more: object): object {
    return { ...configOf(this.supply), ...more };
  }

  /** A fault from beginning to end. @returns what it is charged with, and how long it took to be well again */
  async suffer(fault: () => Promise<void>): Promise<{ findings: Finding[]; recoveryMs: number }> {
    const from = performance.now();
    const issued = this.supply.secrets.length;
    const said = this.kong.output().length;
    this.#reportedBefore = this.#reportedLosses;
    this.#otherWatches.length = 0;
    this.#pid = this.kong.pluginServerPid();
    this.#crashes = 0;
    for (const list of [this.#unsaid, this.#leftBehind, this.#repeated]) list.length = 0;
    this.other.begin();
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
      await watch.begun();
      await fault();
      over = performance.now();
      for (const name of this.names.filter((one) => !this.#removed.has(one))) {
        await this.served([name]).catch((error: unknown) => notRecovered.push((error as Error).message));
        if (notRecovered.length > 0) break;
      }
      over = performance.now() - over;
      await this.inStep();
      await this.lookForRemains('in the end');
    } finally {
      clearInterval(timer);
      await watch.stop();
    }
    const { handshakes, requests } = watch;
    const output = this.kong.output().slice(said);
    const evidence: Evidence = {
      ...{ handshakes, requests, before, notRecovered, versions: this.supply.versions },
      watched: this.#watched,
      downtimes: this.#downtimes.filter(({ to }) => to >= from),
      stepsBack: this.#stepsBack.filter(({ to }) => to >= from),
      after: await entitiesOf(this.kong, this.names.length),
      changedByOthers: Object.fromEntries(this.other.changes),
      unsaid: [...this.#unsaid],
      leftBehind: [...this.#leftBehind],
      repeated: [...this.#repeated],
      crashes: this.#crashes,
      leaks: this.supply.secrets.slice(issued).filter((line) => output.includes(line)).length,
      lagMs: this.lagMs,
      hearings: this.#hearings(),
    };
    const others = this.#otherWatches.map((other) => servedBy(other, evidence));
    return { findings: [...judge(evidence), ...others.flatMap(judge)], recoveryMs: over };
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

  #hearings(): Evidence['hearings'] {
    const all = hearingsOf(this.kong.prefix);
    return Object.fromEntries(
      this.#watched.map((name) => {
        const id = certificateId(this.names.indexOf(name));
        return [name, all.filter((one) => one.id === id)];
      }),
    );
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

/** What another gateway served; when its workers heard of changes is unknown. */
const servedBy = ({ handshakes, requests }: Watch, evidence: Evidence): Evidence => ({
  ...{ ...evidence, handshakes, requests, before: {}, after: {}, changedByOthers: {}, crashes: 0, leaks: 0 },
  ...{ hearings: {}, notRecovered: [], unsaid: [], leftBehind: [], repeated: [] },
});

async function statusOf({ prefix }: TestKong): Promise<StatusReport> {
  const { text } = await ask({ socketPath: findStatusSocket(prefix) }, '/status');
  return JSON.parse(text) as StatusReport;
}

const configOf = ({ folder }: Supply) => ({
  interval: 1,
  sources: [{ type: 'directory', path: folder, create: false }],
});

/** The plugin's statement on each certificate that is not in step. */
function statesOf(status: StatusReport | null): string {
  const all = status?.reloaders.flatMap(({ certificates }) => certificates) ?? [];
  const others = all.filter(({ state }) => state !== 'in_sync');
  return `it says ${others.map(({ snis, state }) => `${snis.join()} ${state}`).join(', ')}, ${status?.waiting ?? ''}`;
}

/** One value, or one in each line. */
function isJson(text: string): boolean {
  const canBeRead = (part: string) => {
    try {
      JSON.parse(part);
      return true;
    } catch {
      return false;
    }
  };
  return canBeRead(text) || text.trimEnd().split('\n').every(canBeRead);
}

/** Versions of the certificates in a whole configuration. */
function numbersIn(content: Content, supply: Supply): Pick<Version, 'name' | 'number'>[] {
  const certificates = content['certificates'] ?? [];
  return supply.names.flatMap((name, index) => {
    const cert = certificates.find(({ id }) => id === certificateId(index))?.['cert'];
    return typeof cert === 'string' ? [{ name, number: supply.numberOf({ cert }) }] : [];
  });
}

const WELL = new Set<CertificateState>(['in_sync', 'no_source', 'unused']);

/** At least so many certificates, all of them as they should be; one without a name cannot be proven. */
function isWell({ reloaders }: StatusReport, atLeast: number): boolean {
  const certificates = reloaders.flatMap((reloader) => reloader.certificates);
  return (
    reloaders.every((reloader) => reloader.is_current) &&
    certificates.length >= atLeast &&
    certificates.every(({ state, snis }) => WELL.has(state) || (state === 'unproven' && snis.length === 0))
  );
}
