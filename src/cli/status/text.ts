import { timeLeft } from '../../common/time';
import type { CertificateState, LifeLevel } from '../../model';
import { alarmingLife, type CertificateStatus, type ReloaderStatus, type StatusReport } from '../../public';
import { day, duration, plural, someOf, type Output } from '../output';
import { table, type Column } from '../table';
import { byUrgency, verdictText } from './verdict-text';

const COLUMNS: readonly Column[] = [
  { title: 'STATE' },
  { title: 'NAMES', flexible: true },
  { title: 'VALID UNTIL' },
  { title: 'LEFT' },
  { title: 'FROM', flexible: true, below: true },
  { title: 'DETAIL', flexible: true, below: true },
];

type Style = 'green' | 'yellow' | 'red' | 'dim';

const STYLES: Record<CertificateState, Style> = {
  in_sync: 'green',
  pending: 'yellow',
  refused: 'red',
  not_served: 'red',
  unproven: 'yellow',
  no_source: 'dim',
  unused: 'dim',
};

const DAY_MS = 86_400_000;

/** Words shown in place of the state where they are more urgent; null: the state is shown. */
const LIVES: Record<LifeLevel, readonly [word: string, style: Style] | null> = {
  expired: ['expired', 'red'],
  critical: ['ends soon', 'red'],
  ends_soon: ['ends soon', 'yellow'],
  renewal_due: null,
  fresh: null,
};

/** A status for people. */
export function printStatus(report: StatusReport, out: Output): void {
  const now = Date.now();
  const { kong, waiting, version, reloaders } = report;
  const { paint } = out;
  out.print(
    kong === null
      ? `${paint('red', 'waiting for Kong')}: ${waiting ?? 'its Admin API does not answer'}`
      : `${paint('bold', kong.admin_url)} (${kong.mode}), ssl-cert-reloader ${version}`,
  );
  if (kong !== null && waiting !== null) out.print(paint('yellow', waiting));
  const troubles = verdictText(report, now);
  out.print(
    troubles.length === 0
      ? paint('green', 'all is well')
      : `${paint('red', troubles.join(' · '))}${paint('dim', '  (exit code 2)')}`,
  );
  for (const reloader of reloaders) printReloader(reloader, out, now);
}

function printReloader(reloader: ReloaderStatus, out: Output, now: number): void {
  const { paint } = out;
  const { entry, mode, interval_seconds: interval, certificates, sources, known_at: knownAt } = reloader;
  out.print('');
  out.print(`${paint('bold', entry)}  ${MODES[mode]}every ${interval} s, ${lastPass(reloader, now)}`);
  if (!reloader.is_current && knownAt !== null) {
    const age = duration(Math.max(0, now - Date.parse(knownAt)));
    out.print(`${paint('yellow', 'not current')}  this is how it was ${age} ago, at ${knownAt}`);
  }
  for (const { id, error } of sources.filter(({ up }) => !up)) {
    out.print(`${paint('red', 'source down')}  ${id}: ${error?.message ?? 'it cannot be read'}`);
  }
  for (const { id, stray_files: strays = [], stray_file_count: total = 0 } of sources) {
    for (const { message, reason } of strays)
      out.print(`${paint('dim', 'left out')}  ${message} (${reason})`);
    if (total > strays.length)
      out.print(`${paint('dim', 'left out')}  ${total - strays.length} more files of ${id}`);
  }
  for (const { name, until, is_rollback: isBack } of reloader.pins ?? [])
    out.print(
      `${paint('yellow', isBack === true ? 'rolled back by an operator, pinned' : 'pinned')}  ${name} ${until === null ? 'until `unpin`' : `until ${until}`}`,
    );
  const {
    default_certificate: byDefault,
    node_certificates: node,
    declarative_file: file,
    leader,
  } = reloader;
  if (leader !== undefined && leader.error !== null)
    out.print(`${paint('red', leader.is_leader ? 'lease' : 'writes nothing')}  ${leader.error}`);
  else if (leader?.is_leader === false) {
    out.print(
      `${paint('dim', 'another gateway writes')}  ${leader.holder ?? 'nobody holds the Lease at the moment'}`,
    );
  }
  if (byDefault !== undefined && byDefault.detail !== '' && byDefault.state !== 'in_sync') {
    out.print(`${paint('yellow', 'default certificate')}  ${byDefault.detail}`);
  }
  for (const { uses, location, not_after: inFile, served_not_after: served } of node?.files ?? []) {
    const until = served ?? inFile;
    out.print(
      `${paint('dim', `Kong's own, ${uses.join(', ')}`)}  ${location}: ${until === null ? 'cannot be read' : `valid until ${day(until)}, ${timeLeft(Date.parse(until) - now)}`}`,
    );
  }
  if (node !== undefined && node.detail !== '' && node.state !== 'in_sync')
    out.print(`${paint('yellow', "Kong's own certificates")}  ${node.detail}`);
  for (const why of [
    file?.trouble,
    ...(file?.left.map((one) => `${one.certificate_id}: ${one.why}`) ?? []),
  ]) {
    if (why != null) out.print(`${paint('yellow', 'declarative file')}  ${why}`);
  }
  if (certificates.length === 0) {
    out.print('no certificate in Kong, and none in the sources');
    return;
  }
  const sorted = byUrgency(certificates);
  out.print(
    `${table(
      COLUMNS,
      sorted.map((one) => row(one, out, now)),
      out,
    )}\n`,
  );
  out.print(counts(sorted));
}

const MODES: Record<ReloaderStatus['mode'], string> = {
  apply: '',
  approve: 'swaps what is approved, ',
  observe: 'observes only, ',
};

function lastPass({ last_pass: pass }: ReloaderStatus, now: number): string {
  if (pass === null) return 'no pass yet';
  const ago = duration(Math.max(0, now - Date.parse(pass.started_at)));
  const took = `last pass ${ago} ago (${pass.cause}, ${duration(pass.duration_ms)})`;
  return pass.error === null ? took : `${took}, which failed: ${pass.error}`;
}

function row(certificate: CertificateStatus, { paint }: Output, now: number): string[] {
  const { half, snis, source, expires_at: until } = certificate;
  const left = until === null ? null : Date.parse(until) - now;
  const [word, style] = shownState(certificate);
  const leftText = left === null ? '-' : left < 0 ? `${timeLeft(-left)} over` : timeLeft(left);
  return [
    paint(style, word),
    `${snis.length === 0 ? '-' : someOf(snis)}${half === 'alt' ? ' (second key type)' : ''}`,
    // In hours where days are too coarse.
    left === null || Math.abs(left) > 2 * DAY_MS
      ? day(until)
      : (until ?? '').slice(0, 16).replace('T', ' ') + 'Z',
    shownLife(certificate) === null ? leftText : paint(style, leftText),
    source?.location ?? '-',
    detail(certificate),
  ];
}

/** Obstacles and notes of a certificate; empty where all is well. */
function detail(certificate: CertificateStatus): string {
  const sentences = new Set([whyNot(certificate), certificate.note ?? '']);
  return [...sentences].filter((text) => text !== '').join('; ');
}

/** The obstacle, in one sentence. */
function whyNot({
  state,
  source,
  owner,
  stored,
  served,
  refusal,
  hold,
  renewal_overdue: overdue,
}: CertificateStatus): string {
  const late = overdue ? 'the renewal is overdue: the issuer should have made a newer one' : '';
  switch (state) {
    case 'refused':
      return refusal === null ? '' : `${refusal.message} (${refusal.reason})`;
    case 'not_served':
      return served?.detail === '' || served == null
        ? 'Kong stores it and serves another one'
        : served.detail;
    case 'pending':
      if (hold !== undefined) return hold.detail;
      return `about to be swapped${source === null ? '' : ` for the one valid until ${day(source.not_after)}`}${
        stored === null ? '' : ` (Kong has ${day(stored.not_after)})`
      }`;
    case 'unproven':
      return served?.detail ?? 'no listener was asked';
    case 'no_source':
      if (late !== '') return late;
      return owner === 'ingress_controller'
        ? 'the ingress controller renews it; no source here can read its Secret'
        : 'nothing renews it here';
    case 'unused':
      return 'no certificate in Kong has its names';
    case 'in_sync':
      return late;
  }
}

/** As the column STATE shows them, in the order of the table. */
function counts(certificates: readonly CertificateStatus[]): string {
  const counted = new Map<string, number>();
  for (const certificate of certificates) {
    const [word] = shownState(certificate);
    counted.set(word, (counted.get(word) ?? 0) + 1);
  }
  const parts = [...counted].map(([word, count]) => `${count} ${word}`);
  return `${plural(certificates.length, 'certificate')}: ${parts.join(', ')}`;
}

/** Null: no end of its life is shown in place of its state. */
function shownLife(certificate: CertificateStatus): readonly [word: string, style: Style] | null {
  const life = alarmingLife(certificate);
  return life === null ? null : LIVES[life];
}

const shownState = (certificate: CertificateStatus) =>
  shownLife(certificate) ?? ([certificate.state.replace('_', ' '), STYLES[certificate.state]] as const);
