import {
  refusal,
  type Change,
  type KeyType,
  type PemPair,
  type Refusal,
  type ServedNames,
  type Verifier,
} from '../model';
import type { CertificateMemory } from './memory';
import { namesOf } from './prove';
import type { PassContext, ProgressListener, Step } from './step';

/** With more changes than this, what one listener was seen to serve for some of the names has to do. */
const MANY = 50;

export interface WriteOptions {
  /** Null: writes are not proven. */
  verifier: Verifier | null;
  /** Whether Kong's listeners were last seen to serve what it stores; default: unknown. */
  isServed?: (certificate: string, half: 'main' | 'alt', chain: string) => boolean;
  /** Whether that was seen for each of these names, at every listener; default: unknown. */
  isSeenWhole?: (snis: readonly string[]) => boolean;
  /** Why no client could get a certificate with such a key from Kong's listeners; null: some could. */
  whyUnservable?: (keyType: KeyType | 'other') => string | null;
  progress?: ProgressListener;
}

type Update = Extract<Change, { kind: 'update' }>;

/**
 * Writes the batch. Right before its write each bundle is read again and goes through the whole gate, and what is
 * served for its names is recorded.
 */
export class WriteStep implements Step {
  constructor(
    private readonly memory: CertificateMemory,
    private readonly options: WriteOptions,
  ) {}

  async run({ work }: PassContext): Promise<void> {
    const { gateway, planner } = this.memory;
    const isMany = work.batch.length > MANY;
    const edits = { certificates: work.batch, caCertificates: work.caChanges.splice(0) };
    work.before = new Map();
    const { progress } = this.options;
    let left = work.batch.length;
    progress?.begin('write', left);
    const results = await gateway.write(edits, async (change) => {
      const observing = this.observe(change, isMany);
      const fresh = this.unservable(change) ?? this.former(change) ?? (await planner.prepare(change));
      const seen = await observing;
      if (seen !== null) work.before.set(change, seen);
      progress?.step();
      left -= 1;
      if (left === 0 && gateway.traits.writesWhole) progress?.begin('send', 0);
      return fresh;
    });
    work.results = results.certificates;
    work.caResults.push(...results.caCertificates);
  }

  /** Checked before the write: a certificate that no client can use would break the name until the rollback. */
  private unservable(change: Change): Refusal | null {
    const { bundle } = change;
    const hasTwin = change.kind === 'update' && (change.half === 'alt' || change.certificate.alt !== null);
    if (hasTwin || (change.kind === 'update' && change.certificate.snis.length === 0)) return null;
    const why = this.options.whyUnservable?.(bundle.leaf.keyType) ?? null;
    return why === null ? null : refusal('no_common_cipher', `${bundle.location}: ${why}`);
  }

  /** Whether it is known already that the present certificate is served. */
  private wasServed({ certificate, half, addSnis }: Update, isMany: boolean): boolean {
    const { isServed, isSeenWhole } = this.options;
    const now = certificate[half];
    if (now === null || isServed?.(certificate.id, half, now.chain) !== true) return false;
    return isMany || (addSnis.length === 0 && isSeenWhole?.(certificate.snis) === true);
  }

  /** Null: it is not about what was there before. */
  private former(change: Change): PemPair | null {
    if (change.kind === 'create' || change.reverts !== true) return null;
    return this.memory.former.open({ certificate: change.certificate.id, half: change.half });
  }

  private async observe(change: Change, isMany: boolean): Promise<ServedNames | null> {
    const { verifier } = this.options;
    if (verifier === null) return null;
    if (change.kind === 'create' ? isMany : this.wasServed(change, isMany)) return null;
    const { keyType } = change.bundle.leaf;
    const hasTwin = change.kind === 'update' && change.certificate.alt !== null && keyType !== 'other';
    return verifier.observe({ snis: namesOf(change), ...(hasTwin ? { keyType } : {}) });
  }
}
