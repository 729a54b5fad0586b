import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Trouble } from '../../../src/public';
import { LANGUAGES, languageOf } from '../../../src/status/page/words';

it.each([
  [['de-DE', 'zh-TW', 'en'], 'zh'],
  [['en-GB', 'zh'], 'en'],
  [['fr'], 'en'],
  [[], 'en'],
])('of the languages %j the page speaks %s', (wanted, language) => {
  expect(languageOf(wanted)).toBe(language);
});

it('every word that the page has from its start is in the table', () => {
  const html = readFileSync('src/status/page/page.html', 'utf8');
  const used = [...html.matchAll(/data-(?:word|label)="(\w+)"/g)].map(([, word]) => word ?? '');
  expect(used.length).toBeGreaterThan(10);
  for (const { ui } of Object.values(LANGUAGES))
    expect(Object.keys(ui)).toEqual(expect.arrayContaining(used));
});

/** Everything that a table says, with samples put in. */
function sentences(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'function') return [String((value as (...all: unknown[]) => unknown)('A', 'B', 'C'))];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(sentences) : [];
}

it('no sentence is empty or has a hole', () => {
  for (const { trouble: _, ...words } of Object.values(LANGUAGES)) {
    for (const sentence of sentences(words)) {
      expect(sentence.trim()).not.toBe('');
      expect(sentence).not.toMatch(/undefined|null|NaN|\[object/);
    }
  }
});

it('Chinese sentences are Chinese', () => {
  const { trouble: _, lang: _lang, other: _other, ...words } = LANGUAGES.zh;
  const latin = sentences(words).filter((sentence) => !/\p{Script=Han}/u.test(sentence));
  // Names of things, and texts of other programs with nothing around them.
  expect(
    latin.filter(
      (sentence) =>
        !/^(?:SNI|JSON|Ingress Controller| · )$/.test(sentence) && !/^[ABC,:、，： ]+$/.test(sentence),
    ),
  ).toEqual([]);
});

it('a verdict reads well in both languages', () => {
  const troubles: Trouble[] = [
    { kind: 'expired', count: 4, names: ['a.test', 'b.test', 'c.test'] },
    { kind: 'not_served', count: 1, names: [] },
    { kind: 'ending', count: 1, names: ['d.test'], first: '2026-08-01T08:22:00.000Z', is_critical: true },
    {
      kind: 'own_ending',
      location: '/etc/kong/admin.crt',
      uses: ['admin'],
      until: '2026-08-01T08:22:00.000Z',
      is_critical: true,
    },
  ];
  const of = (language: keyof typeof LANGUAGES, when: string, left: string) =>
    troubles
      .map((one) =>
        LANGUAGES[language].trouble(
          one,
          () => when,
          () => left,
        ),
      )
      .join(' · ');
  expect(of('en', 'today at 08:22 UTC', '7 h')).toBe(
    '4 expired (a.test, b.test, c.test, …) · 1 not served · 1 ends today at 08:22 UTC, in 7 h (d.test) · Kong’s own certificate for admin ends today at 08:22 UTC',
  );
  expect(of('zh', '今天 08:22 UTC', '7 小时')).toBe(
    '4 个证书（a.test、b.test、c.test、…）已过期 · 1 个证书未生效 · 1 个证书（d.test）将于今天 08:22 UTC 到期（剩余 7 小时） · Kong admin 所用的证书将于今天 08:22 UTC 到期',
  );
});
