import {
  changeId,
  isRefusal,
  type CaStore,
  type CertificateStore,
  type Change,
  type EditResults,
  type Edits,
  type Expectation,
  type Gateway,
  type PassReport,
  type PluginEntry,
  type Prepare,
  type Proof,
  type RawBundle,
  type Refusal,
  type NamedCertificate,
  type RestoreResult,
  type ServedNames,
  type Shown,
  type Source,
  type SourceScan,
  type Verifier,
  type WriteResult,
  type Written,
} from '../../src/model';
import { OUR_TAG } from '../../src/gateway';
import {
  halfOf,
  NO_ALT,
  pemFields,
  toStored,
  toTexts,
  type CertificateEntity,
} from '../../src/gateway/admin/entities';
import { createPass, type PassParts } from '../../src/app/pass';
import type { Issued } from '../../src/authority/authority';

/** A source whose files are variables. */
export class MemorySource implements Source {
  readonly #files = new Map<string, RawBundle | Refusal>();
  #changed = new Set<string>();
  #removed: string[] = [];
  errors: Refusal[] = [];
  /** Called before each read; may throw or change what is read. */
  onRead: (name: string) => void = () => undefined;
  reads = 0;

  constructor(
    readonly id = 'memory',
    readonly create = false,
  ) {}

  put(name: string, what: Issued | Refusal | Omit<RawBundle, 'name' | 'location'>): void {
    const texts = 'chain' in what ? { cert: what.chain, key: what.key } : what;
    this.#files.set(name, isRefusal(texts) ? texts : { name, location: `/certs/${name}`, ...texts });
    this.#changed.add(name);
  }

  /** Changes what is there without any sign that a scan would see. */
  change(name: string, what: Issued): void {
    this.#files.set(name, { name, location: `/certs/${name}`, cert: what.chain, key: what.key });
  }

  remove(name: string): void {
    this.#files.delete(name);
    this.#removed.push(name);
  }

  scan(): Promise<SourceScan> {
    const changed = [...this.#changed];
    this.#changed = new Set();
    return Promise.resolve({
      changed,
      removed: this.#removed.splice(0),
      total: this.#files.size,
      errors: this.errors,
    });
  }

  read(name: string): Promise<RawBundle | Refusal | null> {
    this.reads += 1;
    this.onRead(name);
    return Promise.resolve(this.#files.get(name) ?? null);
  }
}

/** A Kong in a variable. */
export class MemoryGateway implements Gateway {
  readonly kind = 'database';
  readonly traits = { sharesDatabase: true, startsFromFile: false, writesWhole: false };
  readonly url = 'memory:';
  readonly entities = new Map<string, CertificateEntity>();
  batchSize = 1000;
  /** Ids in the order of their writes, `restore ID`, and `empty ID NAMES`. */
  readonly writes: string[] = [];
  refreshError: Error | null = null;
  restoreError: Error | null = null;
  readError: Error | null = null;
  /** Results of writes by certificate id; default: written. */
  readonly outcomes = new Map<string, Error | Refusal>();
  #changed = true;
  #loaded = false;
  readonly certificates: CertificateStore;
  readonly caCertificates: CaStore = { stored: new Map(), refresh: () => Promise.resolve() };

  constructor() {
    const stored = () => new Map([...this.entities].map(([id, entity]) => [id, toStored(entity)]));
    const isLoaded = () => this.#loaded;
    this.certificates = {
      get stored() {
        return stored();
      },
      get isLoaded() {
        return isLoaded();
      },
      find: (content) =>
        [...stored().values()]
          .flatMap(({ main, alt }) => [main, ...(alt === null ? [] : [alt])])
          .find((half) => half.content === content),
      refresh: () => this.refresh(),
      readOne: (id) =>
        this.readError === null ? Promise.resolve(stored().get(id) ?? null) : Promise.reject(this.readError),
      readTexts: (id) => {
        const entity = this.entities.get(id);
        return Promise.resolve(entity === undefined ? null : toTexts(entity));
      },
    };
  }

  /** Puts a certificate into Kong as another writer. */
  put(id: string, { chain, key }: Issued, more: Partial<CertificateEntity> = {}): void {
    this.entities.set(id, { id, cert: chain, key, snis: ['www.example.test'], ...more });
    this.#changed = true;
  }

  pluginEntries(): Promise<PluginEntry[]> {
    return Promise.resolve([]);
  }

  hasController(): Promise<boolean> {
    return Promise.resolve(false);
  }

  revision(): Promise<null> {
    return Promise.resolve(null);
  }

  async write({ certificates }: Edits, prepare: Prepare): Promise<EditResults> {
    const results: WriteResult[] = [];
    const without = new Set<string>();
    for (const change of certificates) {
      if (without.has(changeId(change))) continue;
      const result = await this.writeOne(change, prepare);
      results.push(result);
      if (change.kind === 'create' && result.kind !== 'written') without.add(changeId(change));
    }
    return { certificates: results, caCertificates: [] };
  }

  restore(writes: readonly Written[]): Promise<RestoreResult[]> {
    return Promise.resolve([...writes].reverse().map((write) => this.restoreOne(write)));
  }

  emptyCaches({ id, snis }: NamedCertificate): Promise<boolean> {
    this.writes.push(['empty', id, ...snis].join(' '));
    return Promise.resolve(true);
  }

  remove(certificates: readonly NamedCertificate[]): Promise<readonly string[]> {
    for (const { id } of certificates) this.entities.delete(id);
    return Promise.resolve([]);
  }

  close(): void {
    this.entities.clear();
  }

  private refresh(): Promise<boolean> {
    if (this.refreshError !== null) return Promise.reject(this.refreshError);
    const changed = this.#changed;
    this.#changed = false;
    this.#loaded = true;
    return Promise.resolve(changed);
  }

  private async writeOne(change: Change, prepare: Prepare): Promise<WriteResult> {
    const id = changeId(change);
    const fresh = await prepare(change);
    if (isRefusal(fresh)) return { kind: 'refused', change, refusal: fresh };
    const outcome = this.outcomes.get(id);
    if (outcome instanceof Error) return { kind: 'failed', change, error: outcome, failure: 'away' };
    if (outcome !== undefined) return { kind: 'refused', change, refusal: outcome };
    const entity = this.entities.get(id);
    this.writes.push(id);
    if (change.kind === 'create') {
      this.entities.set(id, { id, ...fresh, snis: [...change.snis], tags: [OUR_TAG] });
      return { kind: 'written', change, current: fresh, before: null, snis: change.snis };
    }
    if (entity === undefined) {
      return { kind: 'conflict', change, error: new Error('no such certificate') };
    }
    const snis = [...(entity.snis ?? []), ...change.addSnis];
    this.entities.set(id, { ...entity, ...pemFields(change.half, fresh), snis });
    return { kind: 'written', change, current: fresh, before: toTexts(entity), snis };
  }

  private restoreOne(write: Written): RestoreResult {
    if (this.restoreError !== null) return { kind: 'failed', write, error: this.restoreError };
    const { change, before, current } = write;
    const id = changeId(change);
    const half = change.kind === 'create' ? 'main' : change.half;
    const entity = this.entities.get(id);
    if (entity === undefined) return { kind: before === null ? 'restored' : 'overtaken', write };
    if (halfOf(entity, half)?.cert !== current.cert) return { kind: 'overtaken', write };
    this.writes.push(`restore ${id}`);
    const previous = before?.[half] ?? null;
    if (before === null) this.entities.delete(id);
    else {
      const fields = previous === null ? NO_ALT : pemFields(half, previous);
      this.entities.set(id, { ...entity, ...fields, snis: [...before.snis] });
    }
    return { kind: 'restored', write };
  }
}

/** Says what it is told to; by default that everything is served. */
export class SayingVerifier implements Verifier {
  verdict: Proof['verdict'] | ((expected: Expectation) => Proof['verdict']) = 'served';
  readonly asked: Expectation[] = [];
  /** Certificates served before a write, by name. */
  readonly before = new Map<string, Shown>();

  observe(): Promise<ServedNames> {
    return Promise.resolve(this.before);
  }

  prove(expected: readonly Expectation[]): Promise<Proof[]> {
    this.asked.push(...expected);
    return Promise.resolve(
      expected.map((one) => {
        const verdict = typeof this.verdict === 'string' ? this.verdict : this.verdict(one);
        const detail = verdict === 'served' ? '' : `it is ${verdict}`;
        return { verdict, servedFingerprint: null, handshakes: 1, durationMs: 1, detail };
      }),
    );
  }
}

/** Passes between a source and a Kong in memory, with a clock of their own. */
export function passing(options: Partial<PassParts> & { create?: boolean } = {}) {
  const source = new MemorySource('memory', options.create ?? false);
  const gateway = new MemoryGateway();
  const verifier = new SayingVerifier();
  const clock = { now: Date.now() };
  const runner = createPass({
    sources: [source],
    gateway,
    verifier,
    allowDowngrade: false,
    rollback: true,
    takeover: { mode: 'force', graceMs: 60_000, nudger: null },
    now: () => clock.now,
    ...options,
  });
  return { source, gateway, verifier, clock, runner };
}

/**
 * Runs a pass and counts what it reads without giving other work its turn.
 * @param from reads before this one do not count
 */
export async function mostReadsInTurn(
  { source, runner }: Pick<ReturnType<typeof passing>, 'source' | 'runner'>,
  from: number,
): Promise<number> {
  let [inTurn, most, isOver] = [0, 0, false];
  source.onRead = () => {
    if (source.reads > from) most = Math.max(most, ++inTurn);
  };
  const nextTurn = () => {
    inTurn = 0;
    if (!isOver) setImmediate(nextTurn);
  };
  nextTurn();
  await runner.pass('start');
  isOver = true;
  return most;
}

/** The events of a pass, one line each. */
export function eventsOf({ events }: PassReport): string[] {
  return events.map(({ bundle, outcome }) => {
    const name = bundle.split('#').pop() ?? '';
    switch (outcome.kind) {
      case 'refused':
        return `${name}: refused as ${outcome.refusal.reason}`;
      case 'swapped':
        return `${name}: ${outcome.how === 'created' ? 'created' : 'swapped'} (${outcome.proof?.verdict ?? 'not proven'})`;
      case 'rolled_back':
        return `${name}: ${outcome.restored ? 'rolled back' : 'not put back'}`;
      case 'would_change':
        return `${name}: would ${outcome.created ? 'create' : 'swap'}`;
      case 'failed':
        return `${name}: failed: ${outcome.error}`;
      default:
        return `${name}: ${outcome.kind}`;
    }
  });
}
