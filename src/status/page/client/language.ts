import type { Reason } from '../../../model';
import { languageOf, LANGUAGES, type Language, type Words } from '../words';
import { recall, remember } from './storage';

/** Words, numbers and times in the chosen language, else the browser's. */
export let words: Words = LANGUAGES.en;

function setLanguage(language: Language): void {
  words = LANGUAGES[language];
  document.documentElement.lang = words.lang;
}

export function switchLanguage(): void {
  const next: Language = words === LANGUAGES.en ? 'zh' : 'en';
  remember('language', next);
  setLanguage(next);
}

const chosen = recall('language');
setLanguage(
  chosen !== null && Object.hasOwn(LANGUAGES, chosen)
    ? (chosen as Language)
    : languageOf(navigator.languages),
);

/** A sentence of the server, which is English, after its reason in the reader's language. */
export function explained(reason: Reason | null, detail: string): string {
  if (reason === null || (detail !== '' && words === LANGUAGES.en)) return detail;
  return detail === '' ? words.reasons[reason] : `${words.reasons[reason]}。${detail}`;
}

export const numberText = (count: number): string => count.toLocaleString(words.lang);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A duration in one unit. */
export function spanText(ms: number): string {
  const { seconds, minutes, hours, days } = words.time;
  if (ms < MINUTE) return seconds(Math.max(0, Math.round(ms / 1000)));
  if (ms < 2 * HOUR) return minutes(Math.floor(ms / MINUTE));
  return ms < 2 * DAY ? hours(Math.floor(ms / HOUR)) : days(Math.floor(ms / DAY));
}

export const sinceText = (iso: string, now = Date.now()): string => spanText(now - Date.parse(iso));
export const agoText = (iso: string, now = Date.now()): string => words.time.ago(sinceText(iso, now));

const format = (iso: string, options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(words.lang, options).format(new Date(iso));

const CLOCK = { hour: '2-digit', minute: '2-digit', hour12: false } as const;
const DATE = { year: 'numeric', month: 'short', day: 'numeric' } as const;

export const dateText = (iso: string): string => format(iso, DATE);
export const clockText = (iso: string): string => format(iso, CLOCK);
/** With its time zone: the reader may be elsewhere. */
export const timeText = (iso: string): string => format(iso, { ...DATE, ...CLOCK, timeZoneName: 'short' });

/** `today at 08:22 UTC`, `3 Mar 2026, 08:22 UTC`. */
export function whenText(iso: string, now: number): string {
  const clock = format(iso, { ...CLOCK, timeZoneName: 'short' });
  const dayOf = (at: number) => new Date(at).toDateString();
  const day = dayOf(Date.parse(iso));
  if (day === dayOf(now)) return words.time.today(clock);
  return day === dayOf(now + DAY) ? words.time.tomorrow(clock) : timeText(iso);
}

/** How long it is still valid, or has been expired. */
export function leftText(iso: string): string {
  const left = Date.parse(iso) - Date.now();
  return left <= 0 ? words.say.expiredAgo(spanText(-left)) : words.say.left(spanText(left));
}
