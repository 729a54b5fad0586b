import { alarmingLife, isOnlyLate, urgencyOf } from '../../../public/verdict';
import type { CertificateState } from '../../../model';
import type { CertificateStatus, ListedCertificate, ReloaderStatus } from '../../../public';
import type { Level } from '../words';
import { el, picture } from './dom';
import { dateText, explained, leftText, sinceText, timeText, words } from './language';
import { hrefOf, type Query } from './query';
import type { Tone } from './verdict';

const CROSS = 'M4 4l8 8M12 4l-8 8';
const EXCLAMATION = 'M8 3v6M8 12v1';
const CLOCK = 'M8 2a6 6 0 1 0 0 12a6 6 0 0 0 0-12M8 5v3.5l2 1.5';
const DASH = 'M4 8h8';

/** In the order of the chips. The tone is never the only indication. */
export const STATES: Record<CertificateState, [tone: Tone, picture: string]> = {
  not_served: ['bad', CROSS],
  refused: ['bad', EXCLAMATION],
  pending: ['info', CLOCK],
  unproven: ['warn', 'M6 6a2 2 0 1 1 2.5 2L8 9.5M8 12v1'],
  no_source: ['idle', DASH],
  in_sync: ['good', 'M4 8.5l3 3 5-6'],
  unused: ['idle', DASH],
};

/** Worst first. */
export const LEVELS: Record<Level, [tone: Tone, picture: string]> = {
  expired: ['bad', CROSS],
  critical: ['bad', CLOCK],
  ends_soon: ['warn', CLOCK],
  overdue: ['warn', CLOCK],
};

function levelOf(certificate: CertificateStatus): Level | null {
  const life = alarmingLife(certificate);
  if (life !== null) return life as Level;
  return isOnlyLate(certificate) ? 'overdue' : null;
}

export function toneOf(certificate: CertificateStatus): Tone {
  const urgency = urgencyOf(certificate);
  if (urgency <= 3) return 'bad';
  return urgency === 4 ? 'warn' : STATES[certificate.state][0];
}

/** Marks of its level of life, where that needs attention, and of its state. */
export function marksOf(certificate: CertificateStatus): HTMLElement {
  const level = levelOf(certificate);
  const [tone, path] = STATES[certificate.state];
  const mark = (word: string, of: Tone, line: string) =>
    el('span', { class: 'state', 'data-tone': of }, picture(line, 14), word);
  return el(
    'span',
    { class: 'marks' },
    level === null ? null : mark(words.levels[level], ...LEVELS[level]),
    mark(words.states[certificate.state], tone, path),
    el('span', { class: 'quiet' }, words.time.forSpan(sinceText(certificate.since))),
  );
}

const shortPrint = (fingerprint: string | null | undefined) =>
  fingerprint == null ? '—' : fingerprint.split(':').slice(0, 4).join('').toLowerCase();

/** The three places of a certificate; those that differ from what is wanted are highlighted. */
function trioOf({ state, source, stored, served }: CertificateStatus): HTMLElement {
  // The source's leaf is wanted, unless it is refused.
  const wanted = (state === 'refused' ? (stored ?? source) : (source ?? stored))?.fingerprint_sha256;
  const spoken: string[] = [];
  const places = (['source', 'stored', 'served'] as const).map((place) => {
    const print = { source, stored, served }[place]?.fingerprint_sha256 ?? null;
    const differs = print !== null && wanted !== undefined && print !== wanted;
    const none = place === 'served' ? words.ui.notSeen : words.ui.nothingThere;
    if (differs || print === null)
      spoken.push(`${words.places[place]}${words.colon}${differs ? words.ui.differs : none}`);
    return el(
      'span',
      {
        class: `place${differs ? ' differs' : ''}${print === null ? ' missing' : ''}`,
        title: `${words.places[place]}${words.colon}${print ?? none}`,
      },
      el('span', {}, `${words.places[place]}${differs ? ' ≠' : ''}`),
      el('code', {}, shortPrint(print)),
    );
  });
  return el(
    'span',
    {},
    el('span', { class: 'trio', 'aria-hidden': 'true' }, ...places),
    el('span', { class: 'spoken' }, spoken.length === 0 ? words.ui.agree : spoken.join(words.comma)),
  );
}

/** How much of its life is over, with a mark where it should have been renewed. */
function expiryOf(certificate: CertificateStatus): HTMLElement {
  const { stored, source, renewal_due_at: due, expires_at: until } = certificate;
  const leaf = stored ?? source;
  const life = el('span', { class: 'life', 'aria-hidden': 'true' });
  // The start of a foreign leaf that is served instead is unknown.
  if (leaf !== null && until === leaf.not_after) {
    const [from, to] = [Date.parse(leaf.not_before), Date.parse(leaf.not_after)];
    const share = (at: number) => `${Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100))}%`;
    const spent = el('i');
    spent.style.width = share(Date.now());
    life.append(spent);
    if (due !== null && Date.parse(due) < to) {
      const mark = el('u');
      mark.style.left = share(Date.parse(due));
      life.append(mark);
    }
  }
  const isNear = levelOf(certificate) !== null;
  return el(
    'span',
    { class: 'expiry' },
    el('b', {}, until === null ? words.ui.unknown : leftText(until)),
    certificate.renewal_overdue && levelOf(certificate) !== 'overdue'
      ? el('span', { class: 'overdue' }, ` · ${words.ui.renewalOverdue}`)
      : null,
    life,
    el(
      'small',
      {},
      until === null
        ? ''
        : el(
            'time',
            { datetime: until, title: timeText(until) },
            words.say.until(isNear ? timeText(until) : dateText(until)),
          ),
    ),
  );
}

/** Obstacle or note of a certificate. */
export function whyOf({ state, served, refusal, note }: CertificateStatus): string {
  if (state === 'refused' && refusal !== null) return explained(refusal.reason, refusal.message);
  if (state === 'not_served' && served !== null) return served.detail;
  return state === 'pending' ? (note ?? '') : '';
}

export function namesOf({
  snis,
  source,
  certificate_id: id,
}: CertificateStatus): [first: string, rest: string] {
  const [first = source?.location ?? id ?? '', ...others] = snis;
  const shown = others.slice(0, 2).join(words.list);
  return [first, others.length > 2 ? `${shown} ${words.say.and(others.length - 2)}` : shown];
}

/** Name of an entry, where there are several. */
export const entryName = (entry: string): string =>
  /^[0-9a-f-]{36}$/.test(entry) ? entry.slice(0, 8) : entry;

type Entries = readonly Pick<ReloaderStatus, 'entry' | 'mode'>[];

export function entryBadge(entry: string, entries: Entries): HTMLElement | null {
  if (entries.length < 2) return null;
  const observes = entries.find((one) => one.entry === entry)?.mode === 'observe';
  return el(
    'span',
    { class: 'badge', title: entry },
    `${words.ui.entry} ${entryName(entry)}${observes ? ` · ${words.say.onlyObserves}` : ''}`,
  );
}

export function rowElement(certificate: ListedCertificate, query: Query, entries: Entries): HTMLLIElement {
  const { link, half, source, entry } = certificate;
  const [first, rest] = namesOf(certificate);
  const why = whyOf(certificate);
  return el(
    'li',
    { class: 'row', 'data-tone': toneOf(certificate), 'data-key': `${entry} ${link}` },
    el(
      'a',
      { class: 'line', href: hrefOf(query, { open: link }) },
      el(
        'span',
        {},
        marksOf(certificate),
        el('span', { class: 'name' }, first, rest === '' ? null : el('small', {}, ` ${rest}`)),
        el(
          'span',
          { class: 'where' },
          half === 'alt' ? el('span', { class: 'badge' }, words.ui.secondKey) : null,
          entryBadge(entry, entries),
          source?.location ?? words.states.no_source,
        ),
      ),
      trioOf(certificate),
      expiryOf(certificate),
      el('span', { class: 'chevron', 'aria-hidden': 'true' }, '›'),
    ),
    why === '' ? null : el('p', { class: 'why' }, why),
  );
}
