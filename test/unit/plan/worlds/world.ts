import { hash } from 'node:crypto';
import type { CertificateInfo, Plan, Refusal, SourcedBundle, StoredHalf } from '../../../../src/model';
import { HomeBook, makePlan, type Evidence } from '../../../../src/plan';
import { ROOTED } from '../../../support/plans';
import { halfOf, WorldKong } from './kong';

export const DAY = 86_400_000;

/** Pseudo-random numbers, the same for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Below `n`. */
  roll(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  of<T>(list: readonly T[]): T {
    return list[this.roll(list.length)] as T;
  }

  isOneIn(n: number): boolean {
    return this.roll(n) === 0;
  }

  some<T>(list: readonly T[]): T[] {
    const found = list.filter(() => this.isOneIn(2));
    return found.length > 0 ? found : [this.of(list)];
  }
}

/** Parties with different rights to names. */
export type Actor = 'operator' | 'bank' | 'evil';

const NAMES: Readonly<Record<Actor, readonly string[]>> = {
  operator: ['shop.test', '*.shop.test', 'pay.shop.test'],
  bank: ['bank.test', 'www.bank.test', '*.bank.test', 'api.bank.test'],
  evil: ['evil.test', '*.evil.test'],
};

export const HOSTS = {
  operator: ['shop.test', 'pay.shop.test', 'new.shop.test'],
  bank: ['bank.test', 'www.bank.test', 'api.bank.test', 'new.bank.test'],
} as const;

/** The true origin of a certificate, whatever it claims. */
interface Truth {
  actor: Actor;
  /** Owner of the key that signed it. `public` issues only to owners of the names. */
  issuer: string;
}

/** Present content of a place. */
interface Place {
  actor: Actor;
  make: (leaf: CertificateInfo, serial: number) => SourcedBundle;
  bundle: SourcedBundle | null;
}

export interface WorldOptions {
  /** Tenants' Secrets create certificates; else they are only followed. */
  create: boolean;
  /** A source says `create: true` in so many words, which counts beside an ingress controller. */
  isExplicit: boolean;
  /** Names that a leaf gained are added to certificates made by hand. */
  addNames: boolean;
  /** There is an ingress controller, and Kong has a database. */
  hasController: boolean;
  /** Kind of the bank's CA: public, or an unknown one of its own. */
  bankIssuer: 'public' | 'bank-ca';
}

/**
 * An operator with folders, a bank and an evil tenant with Secrets, a Kong, and a process that plans. The evil tenant
 * may write whatever it likes into its own Secrets, but signs with its own keys, and gets of a public CA what is its own.
 */
export class World {
  readonly kong = new WorldKong();
  now = Date.parse('2026-06-01T00:00:00Z');
  homes = new HomeBook();
  readonly places = new Map<string, Place>();
  /** Names that resources of the cluster ask for, with the Secret of each. */
  readonly asked = new Map<string, string>();
  readonly #truths = new Map<string, Truth>();
  #serial = 0;
  readonly #barred = new Map<string, Refusal>();
  readonly #checked = new Map<string, string>();

  constructor(
    private readonly dice: Dice,
    readonly options: WorldOptions,
  ) {
    for (const [order, folder] of ['/a', '/b'].entries())
      for (const file of ['one', 'two']) this.addFile(`directory:${folder}#${file}`, folder, order);
    for (const name of ['www', 'wild']) this.addSecret('bank', name, 100 + dice.roll(100));
    for (const name of ['x', 'y', 'z']) this.addSecret('evil', name, dice.roll(300));
  }

  private addFile(id: string, folder: string, order: number): void {
    this.places.set(id, {
      actor: 'operator',
      bundle: null,
      make: (leaf, serial) => ({
        ...{ id, name: id, location: `${folder}/${id}`, create: true, order, leaf },
        createIsExplicit: this.options.isExplicit,
        ...contentOf(leaf, serial),
      }),
    });
  }

  private addSecret(namespace: 'bank' | 'evil', name: string, age: number): void {
    const id = `kubernetes#${namespace}/${name}`;
    const createdAt = this.now - age * DAY;
    const secret = { uid: `uid-${namespace}-${name}`, namespace, name, createdAt };
    this.places.set(id, {
      actor: namespace,
      bundle: null,
      make: (leaf, serial) => ({
        ...{ id, name: id, location: `secret ${namespace}/${name}`, create: this.options.create, order: 2 },
        ...{ ownership: 'tenants', secret, leaf, ...contentOf(leaf, serial) },
        createIsExplicit: this.options.isExplicit,
      }),
    });
  }

  /**
   * A leaf that an honest CA gives its owner.
   * @param after what it replaces begins then; whoever is honest does not go back
   */
  rightful(actor: 'operator' | 'bank', after = 0): CertificateInfo {
    const names = this.dice.some(NAMES[actor]);
    const own = actor === 'bank' ? this.options.bankIssuer : this.dice.of(['public', 'operator-ca']);
    const from = Math.max(this.now - this.dice.roll(20) * DAY, after + 1);
    return this.leaf({ actor, issuer: own }, names, from, own);
  }

  /** A random certificate of the evil tenant. */
  private evil(): CertificateInfo {
    const isOwn = this.dice.isOneIn(5);
    const names = this.dice.some(isOwn ? NAMES.evil : Object.values(NAMES).flat().concat('*.test'));
    const issuer = isOwn && this.dice.isOneIn(2) ? 'public' : this.dice.of(['evil-ca', 'self']);
    const claimed =
      issuer === 'self' ? 'self' : this.dice.of(['public', 'bank-ca', 'operator-ca', 'evil-ca']);
    const from = this.now + (this.dice.roll(60) - 50) * DAY;
    return this.leaf({ actor: 'evil', issuer }, names, from, claimed);
  }

  private leaf(truth: Truth, names: readonly string[], notBefore: number, says: string): CertificateInfo {
    const serial = ++this.#serial;
    const fingerprint = `leaf ${serial}`;
    this.#truths.set(fingerprint, truth);
    const days = this.dice.of([6, 90, 90, 200]);
    return {
      ...{ fingerprint, serial: String(serial), notBefore, notAfter: notBefore + days * DAY, names },
      ...{ keyType: this.dice.isOneIn(3) ? 'rsa' : 'ec', keyBits: 2048, signature: 'other', isCa: false },
      ...{ issuer: says === 'self' ? `self ${serial}` : says, isSelfIssued: says === 'self' },
    };
  }

  truthOf(leaf: CertificateInfo): Truth {
    return this.#truths.get(leaf.fingerprint) as Truth;
  }

  /** Puts a certificate into a place. */
  put(id: string, leaf: CertificateInfo): void {
    const place = this.places.get(id) as Place;
    place.bundle = place.make(leaf, ++this.#serial);
  }

  renew(id: string): void {
    const place = this.places.get(id) as Place;
    const before = place.bundle?.leaf;
    if (before === undefined || place.actor === 'evil') return;
    const truth = this.truthOf(before);
    const names = this.dice.isOneIn(4) ? this.dice.some(NAMES[place.actor]) : before.names;
    const from = Math.max(this.now - this.dice.roll(2) * DAY, before.notBefore + 1);
    const leaf = this.leaf(truth, names, from, before.issuer ?? '');
    this.put(id, leaf);
  }

  /** @returns what was done */
  attack(): string {
    const id = this.dice.of([...this.places.keys()].filter((one) => one.includes('#evil/')));
    const victims = [...this.places.values()].flatMap(({ actor, bundle }) =>
      actor === 'evil' || bundle === null ? [] : [bundle],
    );
    const place = this.places.get(id) as Place;
    if (this.dice.isOneIn(6)) {
      place.bundle = null;
      return `${id} is gone`;
    }
    if (victims.length > 0 && this.dice.isOneIn(6)) {
      // A server's certificate is public; its key is not.
      const { leaf, chain } = this.dice.of(victims);
      place.bundle = { ...place.make(leaf, ++this.#serial), chain, rawChain: chain };
      return `${id} is a copy of ${leaf.fingerprint}`;
    }
    const leaf = this.evil();
    this.put(id, leaf);
    const { names, issuer, notBefore } = leaf;
    return `${id}: ${leaf.fingerprint} ${names.join()} says ${issuer ?? ''}, is of ${this.truthOf(leaf).issuer}, ${new Date(notBefore).toISOString().slice(0, 10)}`;
  }

  /** The operator makes a certificate in Kong by hand. @returns what it is */
  makeByHand(): string {
    const actor = this.dice.of(['operator', 'bank'] as const);
    const own = [...this.places.values()].filter(
      ({ bundle, actor: whose }) => bundle !== null && whose === actor,
    );
    const copied = own.length > 0 && this.dice.isOneIn(2) ? this.dice.of(own).bundle : null;
    const leaf = copied?.leaf ?? this.rightful(actor);
    const free = leaf.names.filter((name) =>
      [...this.kong.certificates.values()].every(({ snis }) => !snis.includes(name)),
    );
    if (free.length === 0) return 'nothing';
    const id = `by hand ${++this.#serial}`;
    const main: StoredHalf =
      copied === null
        ? { content: id, chain: id, leaf, reach: ROOTED, vaultReference: false }
        : halfOf(copied);
    const snis = this.dice.some(free);
    this.kong.put({ id, snis, owner: 'other', secret: null, main, alt: null });
    return `${id} ${snis.join()} with ${leaf.fingerprint}`;
  }

  /** An Ingress asks for a name, whoever's that is, or does so no more. @returns what was done */
  ask(): string {
    const name = this.dice.of(Object.values(NAMES).flat());
    const secret = this.dice.of(['bank/www', 'bank/wild', 'evil/x', 'evil/y']);
    if (this.asked.has(name)) this.asked.delete(name);
    else this.asked.set(name, secret);
    return `${name} is ${this.asked.has(name) ? `asked for with ${secret}` : 'not asked for any more'}`;
  }

  /** The ingress controller takes out what no resource asks for any more, or whose Secret is gone. */
  push(): void {
    for (const certificate of this.kong.certificates.values()) {
      if (certificate.owner !== 'ingress_controller') continue;
      const place = [...this.places.values()].find(({ bundle }) => bundle?.secret?.uid === certificate.id);
      const { namespace = '', name = '' } = place?.bundle?.secret ?? {};
      const snis = certificate.snis.filter((sni) => this.asked.get(sni) === `${namespace}/${name}`);
      if (snis.length === 0) this.kong.remove(certificate.id);
      else this.kong.put({ ...certificate, snis });
    }
  }

  restart(isForgetful = false): void {
    this.homes = isForgetful ? new HomeBook() : HomeBook.load(this.homes.serialise());
    this.unbar();
  }

  plan(now = this.now): Plan {
    const bundles = [...this.places.values()].flatMap(({ bundle }) => bundle ?? []);
    return makePlan({
      ...{ bundles, certificates: this.kong.certificates, now, allowDowngrade: false },
      ...{ barred: this.#barred, checked: this.#checked, homes: this.homes, evidence: this.evidence() },
      addNames: this.options.addNames,
      ...(this.options.hasController ? { controller: this.controller() } : {}),
    });
  }

  private controller() {
    return { isThere: true, asked: this.asked, keepsOthers: true, certificates: new Set<string>() };
  }

  /** Plans like a pass: checks the keys of certificates that seem to be in step, then plans every possible write. */
  wholePlan(): Plan {
    let plan = this.plan();
    const unchecked = plan.unchecked.filter(({ id, content }) => this.#checked.get(id) !== content);
    for (const bundle of unchecked) {
      this.#checked.set(bundle.id, bundle.content);
      if (this.isMixed(bundle)) this.#barred.set(bundle.id, { reason: 'key_mismatch', message: 'no' });
    }
    if (unchecked.length > 0) plan = this.plan();
    // The gate looks at the key of what is to be written, too.
    const unwritable = plan.changes.filter(({ bundle }) => this.isMixed(bundle));
    if (unwritable.length === 0) return plan;
    for (const { bundle } of unwritable)
      this.#barred.set(bundle.id, { reason: 'key_mismatch', message: 'no' });
    return this.wholePlan();
  }

  /** A certificate without its key. */
  private isMixed({ id, leaf }: SourcedBundle): boolean {
    return id.includes('#evil/') && this.truthOf(leaf).actor !== 'evil';
  }

  /** Signatures tell the truth. */
  private evidence(): Evidence {
    return {
      isTrusted: (bundle) =>
        !this.isMixed(bundle) && ['public', 'operator-ca'].includes(this.truthOf(bundle.leaf).issuer),
      isSameIssuer: (bundle, { leaf: stored }) => {
        const { leaf } = bundle;
        if (this.isMixed(bundle)) return false;
        const [one, other] = [this.truthOf(leaf), stored === null ? undefined : this.truthOf(stored)];
        if (one.issuer === 'self') return false;
        return one.issuer === other?.issuer;
      },
    };
  }

  unbar(): void {
    this.#barred.clear();
    this.#checked.clear();
  }
}

function contentOf(leaf: CertificateInfo, serial: number) {
  const chain = hash('sha256', leaf.fingerprint, 'base64url');
  return {
    content: `content ${serial} of ${leaf.fingerprint}`,
    chain,
    rawChain: chain,
    chainLength: 2,
    reach: ROOTED,
  };
}

export function coversHost({ names }: CertificateInfo, host: string): boolean {
  return names.includes(host) || names.includes(`*${host.slice(host.indexOf('.'))}`);
}
