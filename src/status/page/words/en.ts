import { REASONS } from '../../../model/reason';
import { namesOf } from '../../../public/verdict';
import type { Words } from './types';

const many = (count: number, one: string, several: string) => `${count} ${count === 1 ? one : several}`;

const named = (trouble: Parameters<typeof namesOf>[0]) => namesOf(trouble, [' (', ')'], ', ');

export const en: Words = {
  lang: 'en-GB',
  other: '中文',
  title: 'Certificates',
  allWell: 'All is well',
  and: ' · ',
  list: ', ',
  comma: ', ',
  colon: ': ',
  trouble(trouble, when, left) {
    switch (trouble.kind) {
      case 'kong_away':
        return 'Kong does not answer';
      case 'nothing_runs':
        return trouble.detail ?? 'No certificate is kept up to date';
      case 'configuration':
        return 'The newer configuration cannot be used';
      case 'expired':
        return `${trouble.count} expired${named(trouble)}`;
      case 'not_served':
        return `${trouble.count} not served${named(trouble)}`;
      case 'ending':
        return trouble.count === 1
          ? `1 ends ${when(trouble.first)}, in ${left(trouble.first)}${named(trouble)}`
          : `${trouble.count} end soon, the first ${when(trouble.first)}, in ${left(trouble.first)}${named(trouble)}`;
      case 'refused':
        return `${trouble.count} refused${named(trouble)}`;
      case 'writes_fail':
        return `${trouble.count} cannot be written${named(trouble)}`;
      case 'overdue':
        return `${trouble.count} not renewed in time${named(trouble)}`;
      case 'awaits_approval':
        return `${trouble.count} to be approved${named(trouble)}`;
      case 'pending':
        return `${trouble.count} about to be swapped${named(trouble)}`;
      case 'would_change':
        return `${trouble.count} would be swapped${named(trouble)}`;
      case 'passes_failing':
        return 'No pass succeeds';
      case 'writes_nothing':
        return 'This gateway writes nothing';
      case 'own_ending': {
        const whose =
          trouble.uses.length === 0 ? 'for clients without SNI' : `for ${trouble.uses.join(', ')}`;
        return `Kong’s own certificate ${whose} ends ${when(trouble.until)}`;
      }
      case 'own_outdated':
        return 'Kong has not read its own files';
      case 'source_down':
        return `${trouble.id} is down`;
    }
  },
  certificates: (count) => `${count} ${count === '1' ? 'certificate' : 'certificates'}`,
  nextEnd: (when) => `the next ends ${when}`,
  matching: (count, total) => `${count} of ${total}`,
  range: (from, to, total) => `${from} to ${to} of ${total}`,
  states: {
    not_served: 'Not served',
    refused: 'Refused',
    pending: 'Pending',
    unproven: 'Not proven',
    no_source: 'No source',
    in_sync: 'In sync',
    unused: 'Unused',
  },
  levels: {
    expired: 'Expired',
    critical: 'Ends very soon',
    ends_soon: 'Ends soon',
    overdue: 'Renewal overdue',
  },
  kinds: {
    swapped: 'Swapped',
    created: 'Created',
    rolled_back: 'Rolled back',
    reverted: 'Rolled back by hand',
    refused: 'Refused',
    mended: 'No longer refused',
    failed: 'Failed',
    nudged: 'Nudged',
    would_change: 'Would change',
    removed: 'Removed',
    seen: 'Renewal seen',
    taken_over: 'Taken over',
    handed_over: 'Handed over',
    changed: 'Changed in Kong',
    appeared: 'Appeared in Kong',
    vanished: 'Gone from Kong',
    source_down: 'Source down',
    source_up: 'Source up again',
    kong_away: 'Kong away',
    kong_back: 'Kong back',
    started: 'Plugin started',
    pinned: 'Pinned',
    unpinned: 'Unpinned',
    approved: 'Approved',
    gap: 'Entries lost',
  },
  actors: {
    us: 'this plugin',
    ingress_controller: 'the ingress controller',
    other: 'somebody else',
    operator: 'an operator',
  },
  reasons: REASONS,
  owners: { us: 'this plugin', ingress_controller: 'the ingress controller', other: 'somebody else' },
  sorts: {
    urgency: 'Most urgent first',
    expiry: 'Next to end first',
    name: 'By name',
    since: 'Latest change first',
  },
  places: { source: 'source', stored: 'stored', served: 'served' },
  time: {
    today: (clock) => `today at ${clock}`,
    tomorrow: (clock) => `tomorrow at ${clock}`,
    ago: (span) => `${span} ago`,
    forSpan: (span) => `for ${span}`,
    seconds: (count) => `${count} s`,
    minutes: (count) => `${count} min`,
    hours: (count) => `${count} h`,
    days: (count) => many(count, 'day', 'days'),
    now: 'now',
  },
  ui: {
    skip: 'Skip to the certificates',
    theme: 'Switch between light and dark',
    search: 'Search',
    placeholder: 'name, fingerprint, path, reason …',
    all: 'All',
    allSources: 'All sources',
    noSource: 'No source',
    allEntries: 'All entries',
    source: 'Source',
    entry: 'Entry',
    sort: 'Order',
    filters: 'Certificates by state',
    list: 'Certificates',
    empty: 'There are no certificates yet, neither in Kong nor in a source.',
    nothing: 'Nothing matches.',
    previous: 'Previous',
    next: 'Next',
    pages: 'Pages',
    back: 'All certificates',
    copy: 'Copy',
    copied: 'Copied',
    runbook: 'What to do',
    happened: 'What happened',
    nothingHappened: 'Nothing since the start.',
    gateway: 'This gateway',
    sources: 'Sources',
    history: 'History',
    noHistory: 'The history has no entries for it.',
    gone: 'There is no such certificate (any more).',
    keySearch: 'search',
    keyMove: 'move',
    keyOpen: 'open',
    keyBack: 'back',
    json: 'JSON',
    metrics: 'Metrics',
    secondKey: 'second key type',
    renewalOverdue: 'renewal overdue',
    agree: 'Source, stored and served agree.',
    differs: 'differs',
    nothingThere: 'nothing',
    notSeen: 'not seen',
    unknown: 'unknown',
  },
  facts: {
    names: 'SNIs',
    leafNames: 'Names of the leaf',
    id: 'Certificate in Kong',
    owner: 'Owner',
    issuer: 'Issuer',
    chain: 'Chain',
    key: 'Key',
    validFrom: 'Valid from',
    validUntil: 'Valid until',
    sourceHas: 'Source has',
    kongStores: 'Kong stores',
    kongServes: 'Kong serves',
    atTheLook: 'When it was seen',
    refused: 'Refused',
    wasRefused: 'Was refused',
    writeFails: 'Cannot be written',
    note: 'Note',
    since: 'In this state since',
    renewalDue: 'Renewal due',
    lastSwap: 'Last swapped',
    serial: 'Serial',
    look: 'Check it yourself',
  },
  say: {
    notInKong: 'not in Kong',
    none: 'none',
    notLookedAt: 'not checked',
    lookedAt: (when) => `checked ${when}`,
    notSinceStart: 'not since the start',
    leaf: (from, until) => `valid from ${from} until ${until}`,
    withRoot: 'with its root',
    leafAlone: 'the leaf alone',
    until: (when) => `until ${when}`,
    expiredAgo: (span) => `expired ${span} ago`,
    left: (span) => `${span} left`,
    and: (count) => `and ${count} more`,
    updated: (span) => `updated ${span} ago`,
    kongAt: {
      database: (url) => `Kong at ${url}, with a database`,
      dbless: (url) => `Kong at ${url}, without a database`,
    },
    kongAway: 'Kong does not answer',
    onlyObserves: 'only observes',
    asOf: (when) => `This is how it was ${when}.`,
    configuration: (why) => `The newer configuration cannot be used; the previous one stays in use: ${why}`,
    waits: (why) => `The plugin waits: ${why}`,
    noAnswer: (why) => `The plugin does not answer (${why}).`,
    noAnswerSince: (when, why) =>
      `The plugin has not answered since ${when} (${why}); this is how it was then.`,
    passesFail: (why) => `Kong's certificates cannot be read, so this page may be out of date: ${why}`,
    writesNothing: (why) => `This gateway writes nothing: ${why}`,
    sourceDown: (id, span, why) => `Source ${id} is down for ${span}: ${why}`,
    found: (count) => `${count} found`,
    downFor: (span) => `down for ${span}`,
    strays: (count) => `${many(count, 'file belongs', 'files belong')} to no pair of certificate and key:`,
    polls: 'Polls',
    every: (seconds, at) =>
      `every ${seconds} s, ${at === null ? 'not yet since the start' : `last at ${at}`}`,
    failedAt: (at, why) => `failed at ${at}: ${why}`,
    whoWrites: 'Who writes',
    nobodyObserves: 'nobody: this one only observes',
    thisGateway: 'this gateway',
    thisGatewayFor: (why) => `this gateway, for now: ${why}`,
    notThisGateway: (why) => `not this gateway: ${why}`,
    nobody: 'nobody at the moment: the Lease is free',
    anotherGateway: (holder) => `another gateway, ${holder}; this one stands by`,
    withoutSni: 'Without SNI',
    asInFiles: (until) => `clients get what is in Kong's files${until === null ? '' : `, until ${until}`}`,
    kongsOwn: (uses) => `Kong’s own, for ${uses}`,
    cannotRead: 'cannot be read',
    declarativeFile: 'Declarative file',
    notInFile: (id, why) => `${id} is not in it: ${why}`,
    writtenAt: (file, at) => `${file}${at === null ? '' : `, written at ${at}`}`,
    from: (fingerprint) => `in place of ${fingerprint}`,
    provenIn: (handshakes, ms) => `proven by ${many(handshakes, 'handshake', 'handshakes')} in ${ms} ms`,
    by: (actor) => `by ${actor}`,
  },
};
