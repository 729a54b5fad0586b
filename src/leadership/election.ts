import { failureKindOf, type Leadership, type Lease, type LeaseSpec, type LeaseStore } from '../model';

interface ElectionOptions {
  /**
   * Opens the store; called at each try until it succeeds.
   * @throws Error saying what is missing
   */
  store: () => LeaseStore;
  /** Unique to this process: the pod's host name and a random part. */
  identity: string;
  durationMs: number;
  /** Called when `status` has changed. */
  changed: (status: Leadership) => void;
}

/** Share of the duration after which the holder renews. */
const RENEW_SHARE = 1 / 3;
/**
 * Share of the duration after which a holder that could not renew stops writing. Writes under way are over before
 * another gateway may take the Lease.
 */
const GIVE_UP_SHARE = 2 / 3;
/** Interval at which the others check the Lease, and at which a failed renewal is repeated. */
const RETRY_MS = 2_000;

/**
 * Takes part in the election of the gateway that writes. Times are measured on this machine's monotonic clock
 * alone, between observed changes of the Lease: clocks of other machines are never compared with ours.
 */
export class Election {
  #store: LeaseStore | null = null;
  #lease: Lease | null = null;
  /** The Lease in memory may be out of date. */
  #isStale = true;
  /** When the Lease was last observed to change. */
  #observedAt = Number.NEGATIVE_INFINITY;
  /** When the request began that last gave or renewed the Lease to us. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #error: string | null = null;
  #said = '';
  #timer: NodeJS.Timeout | null = null;
  #expiry: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly options: ElectionOptions) {}

  /** Whether this gateway may write now. */
  get isLeader(): boolean {
    return performance.now() - this.#renewedAt < this.options.durationMs * GIVE_UP_SHARE;
  }

  get status(): Leadership {
    const holder = this.#lease?.spec?.holderIdentity;
    return {
      isLeader: this.isLeader,
      holder: holder === undefined || holder === '' ? null : holder,
      error: this.#error,
    };
  }

  start(): void {
    this.#running = this.tick();
  }

  /** Releases the Lease, so that the next holder need not wait for its end. Never throws. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    const lease = this.#lease;
    const isOurs = lease?.spec?.holderIdentity === this.options.identity;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    if (isOurs) {
      const spec = { ...lease.spec, holderIdentity: '', renewTime: microTime() };
      // Where that fails the others wait for the end of the Lease.
      await this.#store?.update({ ...lease, spec }).catch(() => undefined);
    }
    this.#store?.close();
  }

  private async tick(): Promise<void> {
    try {
      this.#store ??= this.options.store();
      await this.attempt(this.#store);
      this.#error = null;
    } catch (error) {
      if (!isConflict(error)) this.#error = this.sentence(error as Error);
      // Another gateway wrote, or our write was made although its answer was lost: the Lease has to be read.
      else this.#renewedAt = Number.NEGATIVE_INFINITY;
      this.#isStale = true;
    }
    this.say();
    if (this.#stopped) return;
    const { durationMs } = this.options;
    const isRenewed = this.isLeader && this.#error === null;
    const renewMs = durationMs * RENEW_SHARE;
    this.#timer = setTimeout(
      () => {
        this.#running = this.tick();
      },
      isRenewed ? renewMs : Math.min(renewMs, RETRY_MS),
    );
  }

  private async attempt(store: LeaseStore): Promise<void> {
    const { identity } = this.options;
    if (this.#isStale || this.#lease?.spec?.holderIdentity !== identity) this.observe(await store.read());
    const startedAt = performance.now();
    const lease = this.#lease;
    if (lease === null) {
      this.observe(await store.create(this.claim({}, false)));
    } else {
      const { spec = {} } = lease;
      const isOurs = spec.holderIdentity === identity;
      if (!isOurs && !this.isFree(spec, startedAt)) {
        this.#renewedAt = Number.NEGATIVE_INFINITY;
        return;
      }
      this.observe(await store.update({ ...lease, spec: this.claim(spec, isOurs) }));
    }
    this.#renewedAt = startedAt;
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.say(), this.options.durationMs * GIVE_UP_SHARE + 1);
  }

  private observe(lease: Lease | null): void {
    const isSame = JSON.stringify(lease?.spec) === JSON.stringify(this.#lease?.spec);
    if (!isSame || this.#lease === null) this.#observedAt = performance.now();
    this.#lease = lease;
    this.#isStale = false;
  }

  /** Whether the Lease has no holder, or one that was silent for its whole duration. */
  private isFree({ holderIdentity = '', leaseDurationSeconds }: LeaseSpec, now: number): boolean {
    if (holderIdentity === '') return true;
    const lasts = leaseDurationSeconds === undefined ? this.options.durationMs : leaseDurationSeconds * 1000;
    return now - this.#observedAt >= lasts;
  }

  private claim(before: LeaseSpec, isOurs: boolean): LeaseSpec {
    const { identity, durationMs } = this.options;
    const now = microTime();
    const isFirst = before.holderIdentity === undefined;
    return {
      ...before,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: isOurs ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before.leaseTransitions ?? 0) + (isOurs || isFirst ? 0 : 1),
    };
  }

  private sentence(error: Error): string {
    const { message } = error;
    const where = this.#store === null ? 'the Lease' : `the Lease ${this.#store.name}`;
    return failureKindOf(error) === 'forbidden'
      ? `access to ${where} is forbidden, so this gateway writes nothing; give the service account get, create and update on leases (coordination.k8s.io) there: ${message}`
      : `${where} cannot be acquired, so this gateway writes nothing: ${message}`;
  }

  private say(): void {
    const { status } = this;
    const said = JSON.stringify(status);
    if (said === this.#said || this.#stopped) return;
    this.#said = said;
    this.options.changed(status);
  }
}

const isConflict = (error: unknown) => failureKindOf(error) === 'conflict';

/** A MicroTime of Kubernetes has six digits. */
const microTime = () => new Date().toISOString().replace('Z', '000Z');
