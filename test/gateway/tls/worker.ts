import type { SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { CertificateRow, Row, SniRow } from '../entities/rows';
import type { Store } from '../entities/store';
import { isReference } from '../schema/field';
import { makeContext } from './contexts';
import { lookupNames } from './sni';

/** Decides whether a worker goes on with the old row after a change: for how long, or Infinity until told. */
export type HoldBack = (table: 'certificates' | 'snis', key: string, worker: number) => number;

interface Held {
  before: Row | undefined;
  timer: NodeJS.Timeout | null;
}

/** Secure contexts take some ten kilobytes each, outside of the JavaScript heap. */
const MAX_CONTEXTS = 2000;

/** One worker's view of the certificates: the store's, but for what it has not noticed yet. */
export class Worker {
  readonly #contexts = new LRUCache<string, { row: CertificateRow; context: SecureContext }>({
    max: MAX_CONTEXTS,
  });
  readonly #held = new Map<string, Held>();

  constructor(
    readonly index: number,
    private readonly store: Store,
    holdBack: HoldBack,
  ) {
    store.onChange((table, key, before) => {
      const ms = holdBack(table, key, index);
      if (ms > 0) this.#hold(`${table}:${key}`, before, ms);
      else this.#release(`${table}:${key}`);
    });
  }

  /** The certificate for a name; null stands for the default certificate. @throws Error where there is none */
  find(serverName: string): CertificateRow | null {
    const sni = this.findSni(serverName);
    if (sni === undefined) return null;
    const { id } = sni.certificate;
    const row = this.#visible('certificates', id, this.store.certificate(id)) as CertificateRow | undefined;
    if (row === undefined) throw new Error(`no SSL certificate configured for sni: ${sni.name}`);
    return row;
  }

  findSni(serverName: string): SniRow | undefined {
    for (const name of lookupNames(serverName)) {
      const sni = this.#visible('snis', name, this.store.sni(name)) as SniRow | undefined;
      if (sni !== undefined) return sni;
    }
    return undefined;
  }

  /** Made at the first handshake and kept until the certificate changes. @throws Error for vault references */
  context(row: CertificateRow): SecureContext {
    const known = this.#contexts.get(row.id);
    if (known !== undefined && isSame(known.row, row)) return known.context;
    const context = contextOf(row);
    this.#contexts.set(row.id, { row, context });
    return context;
  }

  /** Sees the store as it is again. */
  release(): void {
    for (const { timer } of this.#held.values()) if (timer !== null) clearTimeout(timer);
    this.#held.clear();
  }

  #visible(table: string, key: string, current: Row | undefined): Row | undefined {
    if (this.#held.size === 0) return current;
    const held = this.#held.get(`${table}:${key}`);
    return held === undefined ? current : held.before;
  }

  /** A worker that hears of a change reads the row again. */
  #release(key: string): void {
    const held = this.#held.get(key);
    if (held?.timer != null) clearTimeout(held.timer);
    this.#held.delete(key);
  }

  #hold(key: string, before: Row | undefined, ms: number): void {
    const held = this.#held.get(key);
    if (held?.timer != null) clearTimeout(held.timer);
    const timer = ms === Infinity ? null : setTimeout(() => this.#held.delete(key), ms);
    timer?.unref();
    this.#held.set(key, { before: held === undefined ? before : held.before, timer });
  }
}

function isSame(a: CertificateRow, b: CertificateRow): boolean {
  return (
    a === b || (a.cert === b.cert && a.key === b.key && a.cert_alt === b.cert_alt && a.key_alt === b.key_alt)
  );
}

function contextOf(row: CertificateRow): SecureContext {
  // No vault stands behind this gateway; Kong too fails the handshake where a reference has no value.
  if (isReference(row.cert) || isReference(row.key)) throw new Error('unable to resolve reference');
  const cert = row.cert_alt === null ? [row.cert] : [row.cert, row.cert_alt];
  const key = row.key_alt === null ? [row.key] : [row.key, row.key_alt];
  return makeContext({ cert, key });
}
