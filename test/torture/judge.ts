/*
 * The verdict on a run, from what was seen of it. Pure: times are those of `performance.now()`, and everything that a
 * fault allowed (a Kong that was down, another writer's older certificate) is part of the evidence.
 */

import { wasBehind, type Hearing } from './hearings';

/** A certificate that a source offered for a name, or that another writer put into Kong. */
export interface Version {
  name: string;
  fingerprint: string;
  /** The higher, the newer. */
  number: number;
  /** Why it must never be served. */
  flaw?: 'expired' | 'broken';
}

export interface Span {
  from: number;
  to: number;
}

/** A handshake, or a request over a connection that stays open. */
export interface Look extends Span {
  name: string;
  /** Certificate of a handshake; null: it failed, or this was a request. */
  fingerprint: string | null;
  /** Null: it succeeded. */
  error: string | null;
}

/** Kong or another writer went back to an older certificate; all names where none is given. */
export interface StepBack extends Span {
  name?: string;
  number: number;
}

/** Entities of Kong as JSON, by `type/id`. */
export type Snapshot = Readonly<Record<string, string>>;

export interface Evidence {
  /** Names that were looked at all the time. */
  watched: readonly string[];
  versions: readonly Version[];
  handshakes: readonly Look[];
  /** Requests over connections that stay open. */
  requests: readonly Look[];
  /** When Kong itself was down or its connections ended by its own doing. */
  downtimes: readonly Span[];
  stepsBack: readonly StepBack[];
  before: Snapshot;
  after: Snapshot;
  /** Entities that others made, changed or removed: what is expected of each in the end; null: it is gone. */
  changedByOthers: Readonly<Record<string, string | null>>;
  /** Names whose newest version was not served in the end. */
  notRecovered: readonly string[];
  /** Troubles that the status should have reported and never did. */
  unsaid: readonly string[];
  /** Number of times that the plugin's process ended by itself. */
  crashes: number;
  /** Files that a process of the plugin left behind, or damaged. */
  leftBehind: readonly string[];
  /** Writes that were made again though nobody had undone them. */
  repeated: readonly string[];
  /** Secrets that were found in what the plugin wrote. */
  leaks: number;
  /** Time in which an older certificate may be seen after a newer one: workers of a real Kong follow one another. */
  lagMs: number;
  /** When workers of a real Kong heard of changes, by name. */
  hearings: Readonly<Record<string, readonly Hearing[]>>;
}

/** Charges against a run. */
export const CHARGES = [
  'wrong',
  'older',
  'expired',
  'broken',
  'failed handshake',
  'dropped request',
  'lost',
  'changed',
  'not recovered',
  'unsaid',
  'crashed',
  'left behind',
  'written twice',
  'leaked',
  'unwatched',
] as const;

export type Charge = (typeof CHARGES)[number];

export interface Finding {
  charge: Charge;
  detail: string;
}

/** @returns nothing where all went well; the first finding of each kind and name is enough to go by */
export function judge(evidence: Evidence): Finding[] {
  const { notRecovered, unsaid, crashes, leftBehind, repeated, leaks } = evidence;
  const each = (charge: Charge, details: readonly string[]) =>
    details.map((detail): Finding => ({ charge, detail }));
  return [
    ...served(evidence),
    ...failures(evidence),
    ...entities(evidence),
    ...each('not recovered', notRecovered),
    ...each('unsaid', unsaid),
    ...each('left behind', leftBehind),
    ...each('written twice', repeated),
    ...(crashes === 0 ? [] : [{ charge: 'crashed' as const, detail: `${crashes} times` }]),
    ...(leaks === 0 ? [] : [{ charge: 'leaked' as const, detail: `${leaks} private keys in the log` }]),
  ];
}

function* served({ watched, versions, handshakes, stepsBack, lagMs, hearings }: Evidence): Iterable<Finding> {
  const known = new Map(versions.map((version) => [`${version.name} ${version.fingerprint}`, version]));
  const owners = new Map(versions.map(({ fingerprint, name }) => [fingerprint, name]));
  for (const name of watched) {
    const looks = handshakes.filter((look) => look.name === name && look.fingerprint !== null);
    if (looks.length === 0) yield { charge: 'unwatched', detail: `${name} was never seen` };
    const charged = new Set<Charge>();
    const seen: { look: Look; number: number }[] = [];
    for (const look of [...looks].sort((a, b) => a.to - b.to)) {
      const version = known.get(`${name} ${look.fingerprint}`);
      const charge = version === undefined ? 'wrong' : (version.flaw ?? olderThanSeen(look, version.number));
      if (version !== undefined) seen.push({ look, number: version.number });
      if (charge === null || charged.has(charge)) continue;
      charged.add(charge);
      yield {
        charge,
        detail: `${name}: ${version === undefined ? `the certificate of ${owners.get(look.fingerprint ?? '') ?? 'nobody'}` : `number ${version.number}`}`,
      };
    }

    function olderThanSeen(look: Look, number: number): 'older' | null {
      // Two handshakes at one time have no order.
      const newest = seen.findLast((one) => one.number > number && one.look.to + lagMs < look.from);
      if (newest === undefined) return null;
      const isAllowed = stepsBack.some(
        (step) =>
          (step.name ?? name) === name &&
          step.number <= number &&
          step.to >= newest.look.from &&
          step.from <= look.to,
      );
      return isAllowed || wasBehind(hearings[name] ?? [], newest.look, look) ? null : 'older';
    }
  }
}

function* failures({ handshakes, requests, downtimes }: Evidence): Iterable<Finding> {
  const isExcused = ({ from, to }: Span) => downtimes.some((down) => down.from <= to && from <= down.to);
  for (const [charge, looks] of [
    ['failed handshake', handshakes],
    ['dropped request', requests],
  ] as const) {
    const failed = looks.filter((look) => look.error !== null && !isExcused(look));
    if (failed[0] !== undefined)
      yield { charge, detail: `${failed.length}, first ${failed[0].name}: ${failed[0].error ?? ''}` };
  }
}

function* entities({ before, after, changedByOthers }: Evidence): Iterable<Finding> {
  const expected: Record<string, string | null> = { ...before, ...changedByOthers };
  for (const [key, text] of Object.entries(expected)) {
    const now = after[key];
    if (text !== null && now === undefined) yield { charge: 'lost', detail: key };
    else if (text === null && now !== undefined) yield { charge: 'changed', detail: `${key} is back` };
    else if (text !== null && now !== text) yield { charge: 'changed', detail: `${key}: ${now ?? ''}` };
  }
  for (const key of Object.keys(after)) {
    if (!(key in expected)) yield { charge: 'changed', detail: `${key} is new` };
  }
}
