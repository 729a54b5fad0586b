import { failureKindOf, type Leadership, type Lease, type LeaseSpec, type LeaseStore } from '../model';

export interface ElectionOptions {
  /** Asked for at each try until it is there. @throws Error saying what is missing */
  store: () => LeaseStore;
  /** Nobody else's: the pod's host name and something random. */
  identity: string;
  durationMs: number;
  /** Something of `status` is another now. */
  changed: (status: Leadership) => void;
}

/** Of the duration: so often the holder renews. */
const RENEW_SHARE = 1 / 3;
/**
 * Of the duration: the holder that could not renew for so long writes no more. What it has begun by then is over
 * before another one may take the Lease.
 */
const GIVE_UP_SHARE = 2 / 3;
/** The others look so often, and a holder that could not renew tries again. */
const RETRY_MS = 2_000;

/**
 * Takes part in the election of who writes. Times are measured on this machine's monotonic clock alone, between
 * changes of the Lease that were seen: what another one's clock says is never compared with ours.
 */
export class Election {
  #store: LeaseStore | null = null;
  #lease: Lease | null = null;
  /** The Lease that is known may be out of date. */
  #isStale = true;
  /** When the Lease was last seen to change. */
  #observedAt = Number.NEGATIVE_INFINITY;
  /** When the request began that last made the Lease ours. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #error: string | null = null;
  #said = '';
  #timer: NodeJS.Timeout | null = null;
  #expiry: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly options: ElectionOptions) {}

  /** Whether this one may write now. */
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

  /** Gives the Lease back, so that the next one need not wait for its end. Never throws. */
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
      // Where that fails the others wait for its end.
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
      // Somebody wrote, or our write may have come through: what holds now has to be read.
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

  /** Nobody holds it, or its holder was silent for as long as it had said. */
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
      ? `${where} may not be used, and this gateway writes nothing until it may: the service account needs get, create and update on leases (coordination.k8s.io) there: ${message}`
      : `${where} cannot be had, and this gateway writes nothing while it has not got it: ${message}`;
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
