import { groupBy } from '../common/multimap';
import {
  keptNames,
  type BundleNote,
  type CertificateInfo,
  type PassEvent,
  type PassReport,
  type StoredCertificate,
  type StrayFile,
} from '../model';
import { day, duration, plural, someOf, type Output } from './output';
import { isFailed, type FailedPass, type PassResult } from './passes';
import { table, type Column } from './table';

const COLUMNS: readonly Column[] = [
  { title: 'ACTION' },
  { title: 'NAMES', flexible: true },
  { title: 'VALID UNTIL' },
  { title: 'FROM', flexible: true, below: true },
  { title: 'DETAIL', flexible: true, below: true },
];

/** Prints the results of passes: a table where anything happened, and one line of counts each. */
export function printPasses(results: readonly (PassResult | FailedPass)[], out: Output): void {
  for (const result of results) {
    if (results.length > 1) out.print(out.paint('bold', result.entry));
    if (isFailed(result)) {
      out.print(`${out.paint('red', 'failed')}  ${result.error}`);
      continue;
    }
    const rows = [
      ...eventRows(result, out),
      ...result.report.sourceErrors.map(({ source, refusal: { reason, message } }) => [
        out.paint('red', 'unread'),
        '-',
        '-',
        source,
        `${message} (${reason})`,
      ]),
    ];
    const now = Date.now();
    rows.push(
      ...result.report.waiting.map(({ snis, notAfter, location, certificate, until, hold }) => [
        out.paint('yellow', 'waits'),
        snis.length === 0 ? '-' : someOf(snis),
        day(notAfter),
        location,
        hold?.detail ??
          `certificate ${certificate} belongs to the ingress controller, which gets another ${duration(Math.max(0, until - now))}; run sync again then, or use --wait`,
      ]),
    );
    rows.push(...noteRows(result.report.bundleNotes, out), ...strayRows(result.report.strays, out));
    if (rows.length > 0) out.print(`${table(COLUMNS, rows, out)}\n`);
    for (const line of result.report.notes) out.print(line);
    out.print(counts(result.report));
  }
}

/** Events that failed for one reason are one row: Kong's limit, for example, stops thousands. */
function eventRows({ report: { events }, certificates }: PassResult, out: Output): string[][] {
  const holders = new Map([...certificates.values()].flatMap(({ id, snis }) => snis.map((sni) => [sni, id])));
  const kong = { certificates, holders };
  const errors = groupBy(events, ({ outcome }) => (outcome.kind === 'failed' ? outcome.error : ''));
  return events.flatMap((event) => {
    const { outcome } = event;
    const alike = outcome.kind === 'failed' ? (errors.get(outcome.error) ?? []) : [event];
    if (alike[0] !== event && alike.length > FEW_ALIKE) return [];
    const [action = '', names = '', ...rest] = row(event, kong, out);
    const more = alike.length > FEW_ALIKE ? ` and ${plural(alike.length - 1, 'more certificate')}` : '';
    return [[action, names + more, ...rest]];
  });
}

/** Up to this many events of one kind are shown one by one. */
const FEW_ALIKE = 3;

/** One row for each sentence: thousands of bundles may share an unknown issuer. */
function noteRows(notes: readonly BundleNote[], { paint }: Output): string[][] {
  return [...groupBy(notes, ({ note }) => note)].map(([note, all]) => [
    paint('yellow', 'note'),
    someOf([...new Set(all.flatMap(({ snis }) => snis))]) || '-',
    day(Math.min(...all.map(({ notAfter }) => notAfter))),
    someOf(
      all.map(({ location }) => location),
      1,
    ),
    note,
  ]);
}

const strayRows = (strays: readonly StrayFile[], { paint }: Output): string[][] =>
  strays.map(({ location, reason, message }) => [
    paint('dim', 'left out'),
    '-',
    '-',
    location,
    `${message} (${reason})`,
  ]);

function counts(report: PassReport): string {
  const { bundles, inSync, refused, unused, events, waiting, strays, durationMs } = report;
  const open = events.filter(({ outcome }) => outcome.kind === 'would_change').length;
  const heldCount = waiting.filter(({ hold }) => hold !== undefined).length;
  const parts = [
    `${plural(bundles, 'bundle')} found`,
    `${inSync} in step with Kong`,
    ...(open > 0 ? [`${open} would change`] : []),
    ...(heldCount > 0 ? [`${heldCount} held back`] : []),
    ...(waiting.length > heldCount
      ? [`${waiting.length - heldCount} left to the ingress controller for now`]
      : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(unused > 0 ? [`${unused} unused (no certificate in Kong has these names)`] : []),
    ...(strays.length > 0 ? [`${plural(strays.length, 'file')} left out`] : []),
  ];
  return `${parts.join(', ')} (${duration(durationMs)})`;
}

function row(event: PassEvent, kong: InKong, { paint }: Output): string[] {
  const { action, style, detail } = describe(event, kong);
  const names = event.snis.length === 0 ? '-' : someOf(event.snis);
  return [paint(style, action), names, day(event.notAfter), event.location, detail];
}

interface InKong {
  certificates: ReadonlyMap<string, StoredCertificate>;
  /** Ids of certificates by their SNIs. */
  holders: ReadonlyMap<string, string>;
}

interface Description {
  action: string;
  style: 'green' | 'yellow' | 'red';
  detail: string;
}

function describe({ fingerprint, isTrust, snis, kept, outcome }: PassEvent, kong: InKong): Description {
  switch (outcome.kind) {
    case 'swapped': {
      const { proof, how } = outcome;
      const isServed = proof?.verdict === 'served';
      const proven = isServed
        ? `served (${plural(proof.handshakes, 'handshake')}, ${duration(proof.durationMs)})`
        : `not proven${proof === null ? '' : `: ${proof.detail}`}`;
      return {
        action: how.replace('_', ' '),
        style: isServed ? 'green' : 'yellow',
        detail: `certificate ${outcome.certificate}, ${proven}${andKept(kept)}`,
      };
    }
    case 'would_change': {
      const stored = kong.certificates.get(outcome.certificate);
      return stored === undefined
        ? { action: 'create', style: 'green', detail: whyCreate(snis, kong) }
        : { action: 'swap', style: 'yellow', detail: whySwap(stored, fingerprint) + andKept(kept) };
    }
    case 'removed':
      return {
        action: 'removed',
        style: 'yellow',
        detail:
          isTrust === true
            ? `CA certificate ${outcome.certificate}`
            : `certificate ${outcome.certificate}, which nothing uses any more`,
      };
    case 'rolled_back':
      return {
        action: outcome.restored ? 'rolled back' : 'rollback failed',
        style: 'red',
        detail: outcome.proof.detail,
      };
    case 'nudged':
      return { action: 'nudged', style: 'yellow', detail: outcome.detail };
    case 'refused':
      return {
        action: 'refused',
        style: 'red',
        detail: `${outcome.refusal.message} (${outcome.refusal.reason})`,
      };
    case 'mended':
      return { action: 'mended', style: 'green', detail: `it was refused: ${outcome.refusal.reason}` };
    case 'failed':
      return { action: 'failed', style: 'red', detail: outcome.error };
  }
}

const andKept = (kept: PassEvent['kept']): string => (kept === undefined ? '' : `; ${keptNames(kept)}`);

/** A certificate of ours that is not renewed any more gives up these names. */
function whyCreate(snis: readonly string[], { holders }: InKong): string {
  const from = new Set(snis.flatMap((sni) => holders.get(sni) ?? []));
  return from.size === 0
    ? 'nothing in Kong has these names'
    : `its names move here from certificate ${someOf([...from])}`;
}

/** What Kong has at present, and who owns it. */
function whySwap({ id, main, alt, owner }: StoredCertificate, fingerprint: string | null): string {
  const leaves = [main.leaf, alt?.leaf].filter((leaf): leaf is CertificateInfo => leaf != null);
  const isSameLeaf = leaves.some((leaf) => leaf.fingerprint === fingerprint);
  const has = leaves.map(({ notAfter }) => day(notAfter)).join(' and ');
  const why = isSameLeaf
    ? `certificate ${id} has the same leaf with another chain or fewer names`
    : `certificate ${id} is valid until ${has === '' ? 'an unknown time' : has}`;
  return owner === 'ingress_controller'
    ? `${why}; the ingress controller owns it and gets takeover_grace first`
    : why;
}
