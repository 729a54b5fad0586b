import { join } from 'node:path';
import { readConfiguredFile } from '../common/configured-file';
import { groupBy } from '../common/multimap';
import { PLUGIN_NAME, USUAL_PREFIX } from '../common/product';
import { replaceFile } from '../common/replace-file';
import { timeLeft } from '../common/time';
import {
  changeId,
  lifeOf,
  namesAfter,
  type Change,
  type HoldBook,
  type Permission,
  type Pin,
} from '../model';
import { Freeze, type FreezeConfig } from './freeze';

/** File of pins and approvals: one for all entries of a Kong. */
export const holdsPath = (folder: string): string => join(folder, `${PLUGIN_NAME}.holds`);

export interface HoldsOptions {
  freeze: readonly FreezeConfig[];
  /** Whether a change waits until a person approves it. */
  needsApproval: boolean;
  /** File that keeps pins and approvals of all entries; null: they are not kept. */
  path: string | null;
  /** Kong's prefix, which orders in messages name; default: the usual one, which they need not. */
  prefix?: string;
}

interface Kept {
  pins: Pin[];
  /** By name and chain: when they were given (milliseconds since the epoch). */
  approved: Record<string, number>;
}

/** Read again in each pass. */
const MAX_BYTES = 4 * 1_048_576;
/** Approvals take at most half of the file, the newest first: a file that is too large would lose the pins with them. */
const MAX_APPROVED_CHARS = MAX_BYTES / 2;
/** An unused approval is forgotten after this time. */
const APPROVAL_MS = 30 * 86_400_000;

/**
 * Decisions of people and the configuration about when changes are made. A pin holds whatever happens; a freeze and
 * a missing approval give way when the certificate in Kong is about to expire.
 */
export class Holds implements HoldBook {
  readonly #freeze: Freeze;
  #kept: Kept;
  /** Pins by their name in lower case: there may be thousands of them, and of changes. */
  #pins = new Map<string, Pin[]>();
  /** The last save failed, so that the file lacks what holds in this process. */
  #isUnsaved = false;

  /** @throws Error where a freeze is malformed */
  constructor(private readonly options: HoldsOptions) {
    this.#freeze = new Freeze(options.freeze);
    this.#kept = this.load() ?? { pins: [], approved: {} };
    this.index();
  }

  /**
   * Pins in force now.
   * @param now milliseconds since the epoch
   */
  pins(now: number): readonly Pin[] {
    return this.#kept.pins.filter((pin) => isInForce(pin, now));
  }

  permits(change: Change, now: number): Permission {
    const pin = this.pinOf(change, now);
    if (pin !== undefined) {
      const { name, until, isRollback } = pin;
      const end = until === null ? '' : ` until ${shown(until)}`;
      const what = isRollback === true ? 'was rolled back by an operator and is pinned' : 'is pinned';
      return held('pinned', until, `${name} ${what}${end}; to resume renewals: ${this.order('unpin', name)}`);
    }
    const { criticalAt, left } = urgencyOf(change, now);
    const isUrgent = now >= criticalAt;
    const frozenUntil = this.#freeze.endOf(now);
    if (frozenUntil !== null && !isUrgent) {
      const until = Math.min(frozenUntil, criticalAt);
      return held('frozen', until, `changes are frozen until ${shown(frozenUntil)}`);
    }
    const needsApproval = this.options.needsApproval && !this.isApproved(change, now);
    if (needsApproval && !isUrgent) {
      const until = Number.isFinite(criticalAt) ? criticalAt : null;
      const [name = changeId(change)] = namesAfter(change);
      const end = until === null ? '' : `; without approval it is made at ${shown(until)}`;
      return held(
        'approval',
        until,
        `it waits for approval; to approve it: ${this.order('approve', name)}${end}`,
      );
    }
    const broken = frozenUntil !== null ? 'in a freeze' : needsApproval ? 'without approval' : null;
    return { kind: 'free', urgent: broken === null ? null : `${broken}, since ${left}` };
  }

  /** The command line that an operator types. */
  order(verb: 'unpin' | 'approve', name: string): string {
    const { prefix = USUAL_PREFIX } = this.options;
    const where = prefix === USUAL_PREFIX ? '' : ` -p ${quoted(prefix)}`;
    return `ssl-cert-reloader ${verb} ${quoted(name)}${where}`;
  }

  /** @throws Error where it cannot be kept */
  pin(pin: Pin): void {
    this.refresh();
    this.#kept.pins = [...this.#kept.pins.filter(({ name }) => !isSameName(name, pin.name)), pin];
    this.index();
    this.save();
  }

  /**
   * @returns whether the pin existed
   * @throws Error where the removal cannot be kept
   */
  unpin(name: string): boolean {
    const isMeant = (pin: Pin) => isSameName(pin.name, name);
    const isPinned = () => this.#kept.pins.some(isMeant);
    const wasPinned = isPinned();
    this.refresh();
    if (isPinned()) {
      this.#kept.pins = this.#kept.pins.filter((pin) => !isMeant(pin));
      this.index();
      this.save();
      return true;
    }
    // Another entry of this process has just removed it.
    return wasPinned;
  }

  /** @returns those of the changes that are about the name, which may be made now @throws Error where that cannot be kept */
  approve(changes: readonly Change[], name: string, now: number): Change[] {
    const meant = changes.filter((change) => isAbout(change, name));
    this.refresh();
    for (const change of meant)
      for (const one of approvedNames(change)) this.#kept.approved[approvalOf(one, change.bundle)] = now;
    if (meant.length > 0) this.save();
    return meant;
  }

  /** Each name that the certificate will have: nobody has approved one that was added since. */
  private isApproved(change: Change, now: number): boolean {
    return approvedNames(change).every((name) => {
      const at = this.#kept.approved[approvalOf(name, change.bundle)];
      return at !== undefined && now - at < APPROVAL_MS;
    });
  }

  /** Reads what other entries and processes of this Kong have kept since. */
  refresh(): void {
    if (this.#isUnsaved) return;
    this.#kept = this.load() ?? this.#kept;
    this.index();
  }

  private index(): void {
    this.#pins = groupBy(this.#kept.pins, ({ name }) => name.toLowerCase());
  }

  private pinOf(change: Change, now: number): Pin | undefined {
    for (const name of namesOf(change)) {
      const pin = this.#pins.get(name.toLowerCase())?.find((one) => isInForce(one, now));
      if (pin !== undefined) return pin;
    }
    return undefined;
  }

  /** Null: it is missing or unreadable. */
  private load(): Kept | null {
    if (this.options.path === null) return null;
    try {
      const { pins, approved } = JSON.parse(
        readConfiguredFile(this.options.path, MAX_BYTES),
      ) as Partial<Kept>;
      return {
        pins: Array.isArray(pins) ? pins.filter(isPin) : [],
        approved: Object.fromEntries(
          Object.entries((approved ?? {}) as Record<string, unknown>).filter(
            (entry): entry is [string, number] => isTime(entry[1]),
          ),
        ),
      };
    } catch {
      return null;
    }
  }

  private save(): void {
    const { path } = this.options;
    const wayOut = 'it lasts only until this process ends';
    if (path === null) throw new Error(`there is no prefix to store it in; ${wayOut}`);
    // By their own times: a clock that was set has no say.
    const newest = Object.values(this.#kept.approved).reduce((latest, at) => Math.max(latest, at), 0);
    let left = MAX_APPROVED_CHARS;
    const approved = Object.fromEntries(
      Object.entries(this.#kept.approved)
        .filter(([, at]) => at > newest - APPROVAL_MS)
        .sort(([, a], [, b]) => b - a)
        .filter(([key]) => (left -= key.length + 32) > 0),
    );
    const text = `${JSON.stringify({ ...this.#kept, approved })}\n`;
    this.#isUnsaved = true;
    // A longer file would not be read again.
    if (Buffer.byteLength(text) > MAX_BYTES) throw new Error(`${path} would be too large; ${wayOut}`);
    try {
      replaceFile(path, text, null);
      this.#isUnsaved = false;
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      throw new Error(`${path} cannot be written (${code}); ${wayOut}`, { cause: error });
    }
  }
}

const held = (kind: 'pinned' | 'frozen' | 'approval', until: number | null, detail: string): Permission => ({
  kind: 'held',
  hold: { kind, until, detail },
});

const shown = (time: number) => `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/**
 * Names that a pin or an approval of the change may have: the id of the certificate, or of one that loses names to it, or an SNI
 * that it has or gets.
 */
const namesOf = (change: Change) => [
  changeId(change),
  ...(change.kind === 'create' ? [] : change.certificate.snis),
  ...namesAfter(change),
  ...(change.moveSnis ?? []).map(({ from }) => from),
];

const isAbout = (change: Change, name: string) => namesOf(change).some((one) => isSameName(one, name));

const isSameName = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** Names that an approval covers; for a certificate without any its id. */
function approvedNames(change: Change): string[] {
  const names = namesAfter(change);
  return names.length === 0 ? [changeId(change)] : names;
}

/** Other users may be able to write to the prefix: a malformed pin must not stop every pass, nor the status. */
function isPin(entry: unknown): entry is Pin {
  const { name, until, since } = Object(entry) as Partial<Record<keyof Pin, unknown>>;
  return typeof name === 'string' && (until === null || isTime(until)) && isTime(since);
}

/** A time that `Date` can show. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(new Date(value).getTime());

const isInForce = ({ until }: Pin, now: number) => until === null || until > now;

/** Key of an approval: this chain for this name, whichever certificate of Kong has the name by then. */
const approvalOf = (name: string, { chain }: Change['bundle']) => `${name.toLowerCase()} ${chain}`;

/**
 * Time from which a change is urgent, since Kong's certificate is about to expire; a creation is not, unless all of its
 * names are served an expired one.
 */
function urgencyOf(change: Change, now: number): { criticalAt: number; left: string } {
  if (change.kind === 'create' && isForEndedAlone(change)) return { criticalAt: now, left: 'it had expired' };
  const leaf = change.kind === 'create' ? null : (change.certificate[change.half]?.leaf ?? null);
  if (leaf === null) return { criticalAt: Number.POSITIVE_INFINITY, left: '' };
  const { notBefore, notAfter } = leaf;
  const { criticalAt } = lifeOf({ notBefore, notAfter, renewalAt: null }, now);
  const left = notAfter <= now ? 'it had expired' : `only ${timeLeft(notAfter - now)} were left`;
  return { criticalAt, left };
}

const isForEndedAlone = ({ snis, moveSnis = [] }: Extract<Change, { kind: 'create' }>) =>
  snis.length === 0 && moveSnis.length > 0 && moveSnis.every(({ ended }) => ended !== undefined);

/** A word for a shell: that of a wildcard is quoted. */
const quoted = (word: string) => (/^[\w.@:/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
