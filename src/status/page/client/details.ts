import type {
  CertificateDetails,
  CertificateStatus,
  HistoryEntry,
  HistoryReport,
  LeafStatus,
  ReloaderStatus,
} from '../../../public';
import { alarmingLife, isOnlyLate } from '../../../public/verdict';
import { copyButton, el, type Child } from './dom';
import { agoText, explained, leftText, timeText, words } from './language';
import { hrefOf, type Query } from './query';
import { entryBadge, marksOf, namesOf, toneOf, whyOf } from './rows';
import { runbookLink, type Tone } from './verdict';

/** The runbook for its worst trouble; null: none. */
function runbookOf(certificate: CertificateStatus): string | null {
  const { state, refusal, write_failure: failure } = certificate;
  const life = alarmingLife(certificate);
  if (life === 'expired') return 'KongCertificateExpired';
  if (state === 'not_served') return 'KongCertificateNotServed';
  if (state === 'refused')
    return refusal?.reason === 'not_served' ? 'KongCertificateRolledBack' : 'KongCertificateRefused';
  if (failure !== null)
    return failure.kind === 'forbidden' ? 'KongWritesForbidden' : 'KongCertificateSwapFailing';
  if (life !== null) return 'KongCertificateExpiring';
  if (isOnlyLate(certificate)) return 'KongCertificateRenewalOverdue';
  if (state !== 'pending') return null;
  return certificate.hold === undefined ? 'KongCertificateOutOfSync' : 'KongCertificateHeld';
}

type Fact = [word: string, value: Child | Child[], copied?: string | undefined];

export function detailsElement(
  details: CertificateDetails,
  query: Query,
  entries: readonly Pick<ReloaderStatus, 'entry' | 'mode'>[],
  history: HistoryReport | null,
): HTMLElement {
  const { certificate } = details;
  const [first, rest] = namesOf(certificate);
  const runbook = runbookOf(certificate);
  const why = whyOf(certificate);
  return el(
    'article',
    { class: 'one', 'data-tone': toneOf(certificate), 'aria-labelledby': 'one-title' },
    el('p', {}, el('a', { href: hrefOf(query, { open: null }), class: 'back' }, `← ${words.ui.back}`)),
    marksOf(certificate),
    el('h2', { id: 'one-title', tabindex: -1 }, first),
    rest === '' ? null : el('p', { class: 'quiet' }, rest),
    entryBadge(certificate.entry, entries),
    certificate.half === 'alt' ? el('span', { class: 'badge' }, words.ui.secondKey) : null,
    why === '' ? null : el('p', { class: 'why' }, why),
    runbook === null ? null : el('p', {}, runbookLink(runbook)),
    el('dl', { class: 'details' }, ...factsOf(details, why).flatMap(factElements)),
    historyElement(history),
  );
}

function factElements([word, value, copied]: Fact): HTMLElement[] {
  const children = Array.isArray(value) ? value : [value];
  if (children.every((child) => child === null || child === undefined || child === '')) return [];
  const { copy, copied: done } = words.ui;
  return [
    el('dt', {}, word),
    el(
      'dd',
      {},
      children[0],
      copied === undefined ? null : copyButton(copied, copy, done, word),
      ...children.slice(1),
    ),
  ];
}

const code = (text: string) => el('code', {}, text);

/** A time, local and in UTC. */
function moment(iso: string | null): Child {
  if (iso === null) return null;
  const utc = `${iso.slice(0, 16).replace('T', ' ')} UTC`;
  const local = timeText(iso);
  const isUtc = local.includes('UTC');
  return el('time', { datetime: iso }, isUtc ? local : `${local} (${utc})`);
}

function leafFacts(word: string, leaf: LeafStatus | null): Fact {
  if (leaf === null) return [word, words.say.none];
  const { fingerprint_sha256: print, not_before: from, not_after: until } = leaf;
  const span = el('div', { class: 'quiet' }, words.say.leaf(timeText(from), timeText(until)));
  return [word, [code(print), span], print];
}

function factsOf(
  { certificate, names, issuer, key_type: key, chain, has_root: hasRoot }: CertificateDetails,
  why: string,
): Fact[] {
  const { facts, say } = words;
  const { snis, certificate_id: id, half, source, stored, served, refusal, expires_at: until } = certificate;
  const failure = certificate.write_failure;
  const sni = snis[0];
  const command =
    sni === undefined
      ? null
      : `openssl s_client -connect 127.0.0.1:8443 -servername ${sni.replace(/[^A-Za-z0-9.*-]/g, '')} </dev/null | openssl x509 -noout -subject -issuer -enddate -fingerprint -sha256`;
  const serial = stored?.serial ?? source?.serial;
  return [
    [
      facts.validUntil,
      until === null ? null : [moment(until), el('div', { class: 'quiet' }, leftText(until))],
    ],
    [facts.renewalDue, moment(certificate.renewal_due_at)],
    [facts.names, snis.join(words.list), snis.length === 0 ? undefined : snis.join('\n')],
    [facts.leafNames, names === null || names.join() === snis.join() ? null : names.join(words.list)],
    [facts.issuer, issuer],
    [
      facts.chain,
      chain.length === 0 && hasRoot === null
        ? null
        : [
            el(
              'ol',
              { class: 'chain' },
              ...chain.map((link) =>
                el(
                  'li',
                  {},
                  link.name,
                  el('span', { class: 'quiet' }, ` ${say.until(timeText(link.expires_at))}`),
                ),
              ),
            ),
            hasRoot === true ? say.withRoot : chain.length === 0 ? say.leafAlone : null,
          ],
    ],
    [facts.key, key],
    [
      facts.id,
      id === null ? say.notInKong : [code(id), half === 'alt' ? ` (${half})` : null],
      id === null ? undefined : id,
    ],
    [facts.owner, certificate.owner === null ? null : words.owners[certificate.owner]],
    [
      words.ui.source,
      source === null ? say.none : [code(source.location), el('div', { class: 'quiet' }, source.source)],
      source?.location,
    ],
    leafFacts(facts.sourceHas, source),
    leafFacts(facts.kongStores, stored),
    served === null
      ? [facts.kongServes, say.notLookedAt]
      : [
          facts.kongServes,
          [
            code(served.fingerprint_sha256 ?? words.ui.notSeen),
            el('div', { class: 'quiet' }, say.lookedAt(timeText(served.checked_at))),
          ],
          served.fingerprint_sha256 ?? undefined,
        ],
    [facts.atTheLook, served === null || served.detail === why ? null : served.detail],
    [
      refusal?.is_standing === false ? facts.wasRefused : facts.refused,
      refusal === null
        ? null
        : [
            moment(refusal.at),
            el('div', {}, `${words.reasons[refusal.reason]} (${refusal.reason})`),
            why.endsWith(refusal.message) ? null : el('div', {}, refusal.message),
          ],
    ],
    [facts.writeFails, failure === null ? null : [moment(failure.since), el('div', {}, failure.message)]],
    [facts.note, certificate.note === why ? null : certificate.note],
    [facts.since, moment(certificate.since)],
    [
      facts.lastSwap,
      certificate.last_swap_at === null ? say.notSinceStart : moment(certificate.last_swap_at),
    ],
    [facts.serial, serial === undefined ? null : code(serial), serial],
    [facts.look, command === null ? null : code(command), command ?? undefined],
  ];
}

/** Tones of events; the others are neutral. */
export const KIND_TONES: Partial<Record<HistoryEntry['kind'], Tone>> = {
  swapped: 'good',
  created: 'good',
  mended: 'good',
  taken_over: 'warn',
  handed_over: 'info',
  source_up: 'good',
  kong_back: 'good',
  rolled_back: 'bad',
  reverted: 'warn',
  refused: 'bad',
  failed: 'bad',
  source_down: 'bad',
  kong_away: 'bad',
  vanished: 'warn',
  gap: 'warn',
};

function historyElement(history: HistoryReport | null): HTMLElement {
  return el(
    'section',
    { 'aria-labelledby': 'history-title' },
    el('h3', { id: 'history-title' }, words.ui.history),
    history === null || history.entries.length === 0
      ? el('p', { class: 'quiet' }, words.ui.noHistory)
      : el('ol', { class: 'events' }, ...history.entries.map(entryElement)),
  );
}

function entryElement(entry: HistoryEntry): HTMLElement {
  const { at, kind, by, proof, fingerprint_sha256: print, previous_fingerprint_sha256: before } = entry;
  const why = explained(entry.reason, entry.detail);
  const short = (full: string) => full.slice(0, 11);
  const facts = [
    by === null || by === 'us' ? null : words.say.by(words.actors[by]),
    print === null ? null : short(print),
    before === null ? null : words.say.from(short(before)),
    proof === null ? null : words.say.provenIn(proof.handshakes, proof.duration_ms),
  ].filter((fact) => fact !== null);
  return el(
    'li',
    { 'data-tone': KIND_TONES[kind] ?? 'idle' },
    el('time', { datetime: at, title: timeText(at) }, `${timeText(at)} · ${agoText(at)}`),
    el('b', {}, words.kinds[kind]),
    facts.length === 0 ? null : el('span', { class: 'quiet' }, ` ${facts.join(words.comma)}`),
    why === '' ? null : el('p', {}, why),
  );
}
