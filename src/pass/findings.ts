import {
  changeHalf,
  changeId,
  changeKey,
  halfKey,
  namesAfter,
  type Change,
  type FailureKind,
  type Half,
  type KnownFailure,
  type KnownRefusal,
  type Outcome,
  type PassEvent,
  type PassReport,
  type Reason,
  type Refusal,
  type SourcedBundle,
  type StoredCertificate,
} from '../model';

/**
 * Refusals that may only mean that the files are being written. They are reported if they still exist a moment
 * later.
 */
const PASSING_REASONS: ReadonlySet<Reason> = new Set([
  'unreadable',
  'incomplete',
  'missing_certificate',
  'missing_key',
  'key_mismatch',
  'chain_broken',
  'unsupported_format',
]);

/** Milliseconds after which a refusal is no longer taken for a file being written. */
export const SETTLE_MS = 1_000;

/** Most past refusals that are still shown. */
const MAX_PAST = 500;

interface Bundles {
  get(id: string): SourcedBundle | null;
}

/** Times since the refusal for this reason, and for this content, exists. */
type SeenRefusal = KnownRefusal & { content: string | null; seenAt: number; isReported: boolean };

/** Circumstances of a change that was made. */
interface Circumstances {
  /** Present names of its certificate; left out: as planned. */
  names?: readonly string[] | undefined;
  /** Names that keep the former certificate. */
  kept?: readonly string[];
  /** Why it was made although it should have waited. */
  urgent?: string | undefined;
}

/** Turns the findings of passes into events: each once, not at each poll. */
export class Findings {
  #events: PassEvent[] = [];
  #failed = false;
  #settling = false;
  /** By bundle id. */
  readonly #refusals = new Map<string, SeenRefusal>();
  /** The latest refusals that are over, by bundle id. */
  readonly #past = new Map<string, KnownRefusal>();
  /** Failed writes that will be tried again, by half of a certificate. */
  readonly #failures = new Map<string, KnownFailure>();
  /** Sources with errors, by source and message. */
  #sourceErrors = new Map<string, string>();
  #wouldChange = new Set<string>();

  constructor(private readonly now: () => number) {}

  /** Whether a finding waits for a second look before it is reported. */
  get settling(): boolean {
    return this.#settling;
  }

  /** Notes a failed write that will be tried again: reported once for each error, not at each try. */
  failed(change: Change, error: string, failure: FailureKind): void {
    this.#failed = true;
    const key = changeKey(change);
    const known = this.#failures.get(key);
    const isNew = known?.error !== error;
    this.#failures.set(key, isNew ? { error, failure, since: known?.since ?? this.now() } : known);
    if (isNew) this.happened(change, { kind: 'failed', certificate: changeId(change), error, failure });
  }

  /** Why something could not be written so far. */
  failure(certificate: string, half: Half): KnownFailure | undefined {
    return this.#failures.get(halfKey(certificate, half));
  }

  /** Kinds of the present failures. */
  get failures(): FailureKind[] {
    return [...this.#failures.values()].map(({ failure }) => failure);
  }

  /** Forgets failures of changes that are no longer planned. */
  keepFailures(changes: readonly Change[]): void {
    if (this.#failures.size === 0) return;
    const open = new Set(changes.map((change) => changeKey(change)));
    for (const key of this.#failures.keys()) if (!open.has(key)) this.#failures.delete(key);
  }

  happened(change: Change, outcome: Outcome, { names, kept = [], urgent }: Circumstances = {}): void {
    const { bundle } = change;
    const isUpdate = change.kind === 'update';
    const former = isUpdate ? change.certificate.main.leaf : null;
    this.#events.push({
      bundle: bundle.id,
      ...about(bundle),
      snis: change.handsOver === true ? movedBy(change) : (names ?? namesAfter(change)),
      ...(kept.length === 0 ? {} : { kept: { snis: kept, until: former?.notAfter ?? null } }),
      half: changeHalf(change),
      ...(urgent === undefined ? {} : { urgent }),
      previous: (isUpdate ? change.certificate[change.half]?.leaf?.fingerprint : null) ?? null,
      outcome,
    });
  }

  /** Adds events that are about no bundle. */
  tell(...events: readonly PassEvent[]): void {
    this.#events.push(...events);
  }

  wouldChange(changes: readonly Change[]): void {
    const before = this.#wouldChange;
    const key = (change: Change) => `${changeId(change)} ${change.bundle.id} ${change.bundle.chain}`;
    this.#wouldChange = new Set(changes.map(key));
    const moved = new Set(changes.flatMap(movedBy));
    for (const change of changes) {
      if (before.has(key(change))) continue;
      const kept = change.kind === 'update' ? (change.split?.snis ?? []) : [];
      this.happened(
        change,
        { kind: 'would_change', certificate: changeId(change), created: change.kind === 'create' },
        { kept: kept.filter((name) => !moved.has(name)) },
      );
    }
  }

  /**
   * Takes over all present refusals; those that are missing are mended, and will be reported anew if they return.
   * @param inKong certificates in Kong in place of a bundle
   */
  refusals(
    refused: ReadonlyMap<string, Refusal>,
    bundles: Bundles,
    inKong: (id: string) => readonly StoredCertificate[] = () => [],
  ): void {
    this.#settling = false;
    for (const [id, why] of refused) {
      const known = this.#refusals.get(id);
      const bundle = bundles.get(id);
      const content = bundle?.content ?? null;
      const isSame = known?.why.message === why.message;
      // A further try with the same result is reported, too.
      const entry: SeenRefusal =
        isSame && known.content === content
          ? known
          : { why, since: isSame ? known.since : this.now(), seenAt: this.now(), content, isReported: false };
      this.#refusals.set(id, entry);
      if (entry.isReported) continue;
      const age = this.now() - entry.seenAt;
      // A negative age comes from a clock that was set back, and says nothing.
      if (PASSING_REASONS.has(why.reason) && age >= 0 && age < SETTLE_MS) {
        this.#settling = true;
        continue;
      }
      entry.isReported = true;
      const facts = bundle === null ? { location: id, fingerprint: null, notAfter: null } : about(bundle);
      const certificates = inKong(id);
      const [certificate] = certificates;
      this.#events.push({
        bundle: id,
        ...facts,
        // An unreadable bundle has only its former names.
        snis: bundle?.leaf.names ?? [...new Set(certificates.flatMap(({ snis }) => snis))],
        ...(certificate === undefined
          ? {}
          : { inKong: { certificate: certificate.id, isValid: certificates.some(isValidAt(this.now())) } }),
        outcome: { kind: 'refused', refusal: why },
      });
    }
    const told = new Set(this.#events.map(({ bundle }) => bundle));
    for (const [id, { why, since, isReported }] of this.#refusals) {
      if (refused.has(id)) continue;
      this.#refusals.delete(id);
      if (!isReported) continue;
      this.remember(id, { why, since });
      this.mended(id, why, bundles, told);
    }
  }

  /** A bundle that is gone was not mended, and a swap says enough. */
  private mended(id: string, refusal: Refusal, bundles: Bundles, told: ReadonlySet<string>): void {
    const bundle = bundles.get(id);
    if (bundle === null || told.has(id)) return;
    const outcome = { kind: 'mended', refusal } as const;
    this.#events.push({ bundle: id, ...about(bundle), snis: bundle.leaf.names, outcome });
  }

  /** The present refusal of a bundle. */
  standing(id: string): KnownRefusal | undefined {
    return this.#refusals.get(id);
  }

  /** The former refusal of a bundle. */
  past(id: string): KnownRefusal | undefined {
    return this.#past.get(id);
  }

  private remember(id: string, refusal: KnownRefusal): void {
    this.#past.delete(id);
    this.#past.set(id, refusal);
    for (const oldest of this.#past.keys()) {
      if (this.#past.size <= MAX_PAST) break;
      this.#past.delete(oldest);
    }
  }

  /**
   * New errors of sources, and the sources whose errors are over.
   * @param isPartial only some sources were scanned: errors of the others stay
   */
  newSourceErrors(
    errors: readonly { source: string; refusal: Refusal }[],
    isPartial = false,
  ): Pick<PassReport, 'sourceErrors' | 'mendedSources'> {
    const before = this.#sourceErrors;
    const key = (error: { source: string; refusal: Refusal }) => `${error.source} ${error.refusal.message}`;
    const now = new Map([
      ...(isPartial ? before : []),
      ...errors.map((error) => [key(error), error.source] as const),
    ]);
    this.#sourceErrors = now;
    const down = new Set(now.values());
    return {
      sourceErrors: errors.filter((error) => !before.has(key(error))),
      mendedSources: [...new Set(before.values())].filter((source) => !down.has(source)),
    };
  }

  /** Returns the events since the last call. */
  take(): { events: PassEvent[]; failed: boolean } {
    const taken = { events: this.#events, failed: this.#failed };
    this.#events = [];
    this.#failed = false;
    return taken;
  }
}

const movedBy = ({ moveSnis = [] }: Change): string[] => moveSnis.map(({ name }) => name);

const isValidAt =
  (now: number) =>
  ({ main, alt }: StoredCertificate): boolean =>
    [main, alt].some((half) => half?.leaf != null && half.leaf.notAfter > now);

type About = Pick<PassEvent, 'location' | 'fingerprint' | 'notAfter' | 'secret'>;

function about({ location, leaf, secret }: SourcedBundle): About {
  const facts = { location, fingerprint: leaf.fingerprint, notAfter: leaf.notAfter };
  return secret === undefined ? facts : { ...facts, secret };
}
