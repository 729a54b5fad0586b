import type { ListReport } from '../../../public';
import type { Trouble, TroubleKind } from '../../../public/verdict';
import { byId, el, setText } from './dom';
import { explained, numberText, sinceText, spanText, timeText, whenText, words } from './language';

export type Tone = 'bad' | 'warn' | 'info' | 'good' | 'idle';

const TONES: Record<TroubleKind, Tone> = {
  kong_away: 'bad',
  nothing_runs: 'warn',
  configuration: 'bad',
  expired: 'bad',
  not_served: 'bad',
  ending: 'warn',
  refused: 'bad',
  writes_fail: 'bad',
  own_ending: 'warn',
  own_outdated: 'warn',
  overdue: 'warn',
  awaits_approval: 'warn',
  pending: 'info',
  would_change: 'info',
  passes_failing: 'bad',
  writes_nothing: 'bad',
  source_down: 'bad',
};

const toneOf = (trouble: Trouble): Tone =>
  (trouble.kind === 'ending' || trouble.kind === 'own_ending') && trouble.is_critical
    ? 'bad'
    : TONES[trouble.kind];

/** @param away why the plugin is unreachable, so that the last known state is shown; empty: it answers */
export function drawVerdict({ troubles, counts }: ListReport, nextEnd: string | null, away: string): void {
  const now = Date.now();
  const left = (iso: string) => spanText(Math.max(0, Date.parse(iso) - now));
  const parts = troubles.map((trouble) => words.trouble(trouble, (iso) => whenText(iso, now), left));
  const tones = troubles.map(toneOf);
  const tone: Tone =
    away !== '' ? 'bad' : ((['bad', 'warn', 'info'] as const).find((one) => tones.includes(one)) ?? 'good');
  const text = parts.length === 0 ? words.allWell : parts.join(words.and);
  // The worst is emphasized; the others follow in small print.
  const [first = words.allWell, ...others] = parts;
  setText('worst', first);
  if (byId('others').dataset['text'] !== text) {
    byId('others').dataset['text'] = text;
    byId('others').replaceChildren(
      others.length === 0 ? '' : words.and,
      // A line ends with a separator and never begins with one.
      ...others.map((part, index) =>
        el('span', { class: 'part' }, part, index < others.length - 1 ? words.and : ''),
      ),
    );
  }
  byId('verdict').dataset['tone'] = tone;
  const total = words.certificates(numberText(counts.total));
  setText('total', nextEnd === null ? total : `${total}${words.and}${words.nextEnd(whenText(nextEnd, now))}`);
  setTitle(`${away === '' ? '' : `${away} `}${text}`, tone);
}

export function setTitle(text: string, tone: Tone): void {
  const title = `${text} · ${words.title}`;
  if (document.title !== title) document.title = title;
  const href = icon(tone);
  const link = byId('icon') as HTMLLinkElement;
  if (link.getAttribute('href') !== href) link.setAttribute('href', href);
}

const ICONS: Record<Tone, [color: string, path: string]> = {
  bad: ['b91c28', 'M5 5l6 6M11 5l-6 6'],
  warn: ['8f5200', 'M8 4v5M8 11.4v.2'],
  info: ['1d57b3', 'M8 4.5v3.7l2.4 1.4'],
  good: ['0b7285', 'M4 8.3l2.6 2.6L12 5.4'],
  idle: ['545f6b', 'M5 8h6'],
};

/** Distinct in colour and form, so that a tab tells without colours, too. */
function icon(tone: Tone): string {
  const [color, path] = ICONS[tone];
  return `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' fill='#${color}'/><path d='${path}' fill='none' stroke='white' stroke-width='2' stroke-linecap='round'/></svg>`,
  )}`;
}

interface Alarm {
  text: string;
  runbook: string | null;
}

/** Troubles that nobody should miss, each in a sentence. */
function alarmsOf({ waiting, troubles, reloaders }: ListReport): Alarm[] {
  const past = reloaders.find((one) => !one.is_current && one.known_at !== null)?.known_at ?? null;
  const asOf = past === null ? '' : ` ${words.say.asOf(timeText(past))}`;
  const alarms: Alarm[] = [];
  const sentence = (text: string) =>
    text.replace(/[.!?。]?$/, (end) => end || (words.lang === 'zh-CN' ? '。' : '.'));
  for (const trouble of troubles) {
    switch (trouble.kind) {
      case 'kong_away':
      case 'nothing_runs':
        alarms.push({
          text: sentence(words.say.waits(trouble.detail ?? '…')) + asOf,
          runbook: trouble.kind === 'kong_away' ? 'SslCertReloaderKongUnreachable' : 'SslCertReloaderAbsent',
        });
        break;
      case 'configuration':
        alarms.push({
          text: words.say.configuration(trouble.detail),
          runbook: 'SslCertReloaderConfigurationRefused',
        });
        break;
      case 'passes_failing':
        alarms.push({ text: words.say.passesFail(trouble.detail), runbook: 'SslCertReloaderStalled' });
        break;
      case 'writes_nothing':
        alarms.push({ text: words.say.writesNothing(trouble.detail), runbook: 'KongCertificateOutOfSync' });
        break;
      case 'writes_fail':
        alarms.push({ text: trouble.detail, runbook: 'KongCertificateSwapFailing' });
        break;
      case 'own_outdated':
        alarms.push({ text: sentence(trouble.detail), runbook: 'KongReloadPending' });
        break;
      case 'source_down': {
        const { reason = null, since } =
          reloaders.flatMap(({ sources }) => sources).find(({ id }) => id === trouble.id)?.error ?? {};
        const why = explained(reason, trouble.detail);
        alarms.push({
          text: words.say.sourceDown(trouble.id, since === undefined ? '' : sinceText(since), why),
          runbook: 'KongCertificateSourceDown',
        });
        break;
      }
      default:
    }
  }
  if (waiting !== null && !troubles.some(({ kind }) => kind === 'kong_away' || kind === 'nothing_runs'))
    alarms.push({ text: sentence(words.say.waits(waiting)) + asOf, runbook: null });
  return alarms;
}

/** @param away why the plugin is unreachable; empty: it answers */
export function drawAlarms(report: ListReport | null, away: string): void {
  const alarms = [
    ...(away === '' ? [] : [{ text: away, runbook: 'SslCertReloaderAbsent' }]),
    ...(report === null ? [] : alarmsOf(report)),
  ];
  const list = byId('alarm');
  list.hidden = alarms.length === 0;
  const gist = JSON.stringify([words.lang, alarms]);
  if (list.dataset['gist'] === gist) return;
  list.dataset['gist'] = gist;
  list.replaceChildren(
    ...alarms.map(({ text, runbook }) =>
      el('li', {}, text, ' ', runbook === null || away !== '' ? null : runbookLink(runbook)),
    ),
  );
}

export const runbookLink = (name: string): HTMLAnchorElement =>
  el('a', { href: `runbooks/${name}?lang=${words.lang}`, title: name }, words.ui.runbook);
