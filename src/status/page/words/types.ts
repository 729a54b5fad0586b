import type { CertificateState, Owner, Reason } from '../../../model';
import type { HistoryActor, HistoryKind, KongMode, Sort, Trouble } from '../../../public';

/** Levels of life that have a chip; a late renewal counts as one. */
export type Level = 'expired' | 'critical' | 'ends_soon' | 'overdue';

/** Every text of the page in one language. A missing one does not compile. */
export interface Words {
  /** Language of the document, of numbers and of times. */
  lang: string;
  /** Name of the other language, in that language. */
  other: string;
  title: string;
  allWell: string;
  /** Between parts of a verdict. */
  and: string;
  /** Between names, between parts of a sentence, and before what a word says. */
  list: string;
  comma: string;
  colon: string;
  trouble: (trouble: Trouble, when: (iso: string) => string, left: (iso: string) => string) => string;
  certificates: (count: string) => string;
  nextEnd: (when: string) => string;
  matching: (count: string, total: string) => string;
  range: (from: string, to: string, total: string) => string;
  states: Record<CertificateState, string>;
  levels: Record<Level, string>;
  kinds: Record<HistoryKind, string>;
  actors: Record<HistoryActor, string>;
  reasons: Record<Reason, string>;
  owners: Record<Owner, string>;
  sorts: Record<Sort, string>;
  places: Record<'source' | 'stored' | 'served', string>;
  time: {
    today: (clock: string) => string;
    tomorrow: (clock: string) => string;
    ago: (span: string) => string;
    forSpan: (span: string) => string;
    seconds: (count: number) => string;
    minutes: (count: number) => string;
    hours: (count: number) => string;
    days: (count: number) => string;
    now: string;
  };
  ui: Record<
    | 'skip'
    | 'theme'
    | 'search'
    | 'placeholder'
    | 'all'
    | 'allSources'
    | 'noSource'
    | 'allEntries'
    | 'source'
    | 'entry'
    | 'sort'
    | 'filters'
    | 'list'
    | 'empty'
    | 'nothing'
    | 'previous'
    | 'next'
    | 'pages'
    | 'back'
    | 'copy'
    | 'copied'
    | 'runbook'
    | 'happened'
    | 'nothingHappened'
    | 'gateway'
    | 'sources'
    | 'history'
    | 'noHistory'
    | 'gone'
    | 'keySearch'
    | 'keyMove'
    | 'keyOpen'
    | 'keyBack'
    | 'json'
    | 'metrics'
    | 'secondKey'
    | 'renewalOverdue'
    | 'agree'
    | 'differs'
    | 'nothingThere'
    | 'notSeen'
    | 'unknown',
    string
  >;
  facts: Record<
    | 'names'
    | 'leafNames'
    | 'id'
    | 'owner'
    | 'issuer'
    | 'chain'
    | 'key'
    | 'validFrom'
    | 'validUntil'
    | 'sourceHas'
    | 'kongStores'
    | 'kongServes'
    | 'atTheLook'
    | 'refused'
    | 'wasRefused'
    | 'writeFails'
    | 'note'
    | 'since'
    | 'renewalDue'
    | 'lastSwap'
    | 'serial'
    | 'look',
    string
  >;
  /** Parts of sentences about one certificate and the gateway. */
  say: {
    notInKong: string;
    none: string;
    notLookedAt: string;
    lookedAt: (when: string) => string;
    notSinceStart: string;
    leaf: (from: string, until: string) => string;
    withRoot: string;
    leafAlone: string;
    until: (when: string) => string;
    expiredAgo: (span: string) => string;
    left: (span: string) => string;
    and: (count: number) => string;
    updated: (span: string) => string;
    kongAt: Record<KongMode, (url: string) => string>;
    kongAway: string;
    onlyObserves: string;
    asOf: (when: string) => string;
    waits: (why: string) => string;
    configuration: (why: string) => string;
    noAnswer: (why: string) => string;
    noAnswerSince: (when: string, why: string) => string;
    passesFail: (why: string) => string;
    writesNothing: (why: string) => string;
    sourceDown: (id: string, span: string, why: string) => string;
    found: (count: number) => string;
    downFor: (span: string) => string;
    strays: (count: number) => string;
    polls: string;
    every: (seconds: number, at: string | null) => string;
    failedAt: (at: string, why: string) => string;
    whoWrites: string;
    nobodyObserves: string;
    thisGateway: string;
    thisGatewayFor: (why: string) => string;
    notThisGateway: (why: string) => string;
    nobody: string;
    anotherGateway: (holder: string) => string;
    withoutSni: string;
    kongsOwn: (uses: string) => string;
    cannotRead: string;
    asInFiles: (until: string | null) => string;
    declarativeFile: string;
    notInFile: (id: string, why: string) => string;
    writtenAt: (file: string, at: string | null) => string;
    from: (fingerprint: string) => string;
    provenIn: (handshakes: number, ms: number) => string;
    by: (actor: string) => string;
  };
}
