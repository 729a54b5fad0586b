import {
  changeId,
  isRefusal,
  type Change,
  type Digest,
  type Expectation,
  type Half,
  type PassReport,
  type PemPair,
  type Prepare,
  type Proof,
  type RawBundle,
  type Refusal,
  type Source,
  type SourceScan,
  type StoredCertificate,
  type StoredHalf,
  type Target,
  type Verifier,
  type WriteResult,
} from '../../src/model';
import { OUR_TAG } from '../../src/gateway';
import { halfOf, toStored, type CertificateEntity } from '../../src/gateway/admin/entities';
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
export class MemoryTarget implements Target {
  readonly entities = new Map<string, CertificateEntity>();
  batchSize = 1000;
  /** Ids in the order of their writes, and `restore ID`. */
  readonly writes: string[] = [];
  refreshError: Error | null = null;
  restoreError: Error | null = null;
  /** What becomes of a write, by certificate id; default: it is written. */
  readonly outcomes = new Map<string, Error | Refusal>();
  #changed = true;
  #loaded = false;

  get isLoaded(): boolean {
    return this.#loaded;
  }

  find(content: Digest): StoredHalf | undefined {
    const halves = [...this.certificates.values()].flatMap(({ main, alt }) => [
      main,
      ...(alt === null ? [] : [alt]),
    ]);
    return halves.find((half) => half.content === content);
  }

  get certificates(): ReadonlyMap<string, StoredCertificate> {
    return new Map([...this.entities].map(([id, entity]) => [id, toStored(entity)]));
  }

  /** Somebody puts a certificate into Kong. */
  put(id: string, { chain, key }: Issued, more: Partial<CertificateEntity> = {}): void {
    this.entities.set(id, { id, cert: chain, key, snis: ['www.example.test'], ...more });
    this.#changed = true;
  }

  refresh(): Promise<boolean> {
    if (this.refreshError !== null) return Promise.reject(this.refreshError);
    const changed = this.#changed;
    this.#changed = false;
    this.#loaded = true;
    return Promise.resolve(changed);
  }

  reload(): Promise<boolean> {
    return this.refresh();
  }

  look(id: string): Promise<StoredCertificate | null> {
    return Promise.resolve(this.certificates.get(id) ?? null);
  }

  write(changes: readonly Change[], prepare: Prepare): Promise<WriteResult[]> {
    return this.writeAll(changes, prepare);
  }

  private async writeAll(changes: readonly Change[], prepare: Prepare): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    const without = new Set<string>();
    for (const change of changes) {
      if (without.has(changeId(change))) continue;
      const result = await this.writeOne(change, prepare);
      results.push(result);
      if (change.kind === 'create' && result.kind !== 'written') without.add(changeId(change));
    }
    return results;
  }

  private async writeOne(change: Change, prepare: Prepare): Promise<WriteResult> {
    const id = changeId(change);
    const fresh = await prepare(change);
    if (isRefusal(fresh)) return { kind: 'refused', change, refusal: fresh };
    const outcome = this.outcomes.get(id);
    if (outcome instanceof Error) return { kind: 'failed', change, error: outcome };
    if (outcome !== undefined) return { kind: 'refused', change, refusal: outcome };
    const entity = this.entities.get(id);
    this.writes.push(id);
    if (change.kind === 'create') {
      this.entities.set(id, { id, ...fresh, snis: [...change.snis], tags: [OUR_TAG] });
      return { kind: 'written', change, current: fresh, previous: null };
    }
    if (entity === undefined) return { kind: 'failed', change, error: new Error('no such certificate') };
    const previous = halfOf(entity, change.half);
    this.entities.set(id, {
      ...entity,
      ...named(change.half, fresh),
      snis: [...(entity.snis ?? []), ...change.addSnis],
    });
    return { kind: 'written', change, current: fresh, previous };
  }

  restore(change: Change, previous: PemPair | null): Promise<void> {
    if (this.restoreError !== null) return Promise.reject(this.restoreError);
    const id = changeId(change);
    this.writes.push(`restore ${id}`);
    const entity = this.entities.get(id);
    if (change.kind === 'create' || entity === undefined) this.entities.delete(id);
    else if (previous === null) this.entities.set(id, { ...entity, cert_alt: null, key_alt: null });
    else {
      const snis = (entity.snis ?? []).filter((sni) => !change.addSnis.includes(sni));
      this.entities.set(id, { ...entity, ...named(change.half, previous), snis });
    }
    return Promise.resolve();
  }

  close(): void {
    this.entities.clear();
  }
}

const named = (half: Half, { cert, key }: PemPair) =>
  half === 'main' ? { cert, key } : { cert_alt: cert, key_alt: key };

/** Says what it is told to; by default that everything is served. */
export class SayingVerifier implements Verifier {
  verdict: Proof['verdict'] | ((expected: Expectation) => Proof['verdict']) = 'served';
  readonly asked: Expectation[] = [];

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
  const target = new MemoryTarget();
  const verifier = new SayingVerifier();
  const clock = { now: Date.now() };
  const runner = createPass({
    sources: [source],
    target,
    verifier,
    allowDowngrade: false,
    rollback: true,
    takeover: { mode: 'force', graceMs: 60_000, nudger: null },
    now: () => clock.now,
    ...options,
  });
  return { source, target, verifier, clock, runner };
}

/** What happened in a pass, a line each. */
export function eventsOf({ events }: PassReport): string[] {
  return events.map(({ bundle, outcome }) => {
    const name = bundle.split('#').pop() ?? '';
    switch (outcome.kind) {
      case 'refused':
        return `${name}: refused as ${outcome.refusal.reason}`;
      case 'swapped':
        return `${name}: ${outcome.created ? 'created' : 'swapped'} (${outcome.proof?.verdict ?? 'not proven'})`;
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
