import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Pages in Chinese, and the English page of each. */
const PAGES: readonly [string, string][] = [
  ['README.zh-CN.md', 'README.md'],
  ...readdirSync('docs/zh-CN', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name): [string, string] => [join('docs/zh-CN', name), join('docs', name)]),
];

describe.each(PAGES)('%s', (chinese, english) => {
  const pages = () => [chinese, english].map((path) => readFileSync(path, 'utf8')) as [string, string];

  it('has the headings of its English page', () => {
    const [translated, original] = pages().map((page) => prose(page).match(/^#+(?= )/gm));
    expect(translated).toEqual(original);
  });

  it('has the same code', () => {
    const [translated, original] = pages().map((page) => page.match(/^```[\s\S]*?^```/gm) ?? []);
    expect(translated).toEqual(original);
  });

  it('names the same options, commands and files', () => {
    const [translated, original] = pages().map((page) =>
      [...new Set(prose(page).match(/`[^`\n]+`/g) ?? [])].sort(),
    );
    expect(translated).toEqual(original);
  });

  it('leads to the same pages', () => {
    expect(linksOf(chinese)).toEqual(linksOf(english));
  });

  it('is written in Chinese, with its punctuation', () => {
    const words = prose(pages()[0]).replace(/`[^`\n]*`|\]\([^)]*\)/g, '');
    expect(words).toMatch(/\p{Script=Han}/u);
    expect(words.match(/.*\p{Script=Han} ?[,:;(].*/gu)).toBeNull();
  });
});

it('every guide is there in Chinese', () => {
  const guides = readdirSync('docs/guides');
  expect(readdirSync('docs/zh-CN/guides').sort()).toEqual(guides.sort());
});

function prose(page: string): string {
  return page.replace(/^```[\s\S]*?^```/gm, '');
}

/** Pages that a page leads to, each by its English one where it is translated; the switch of languages is none. */
function linksOf(path: string): string[] {
  const english = new Map(PAGES);
  const links = [...prose(readFileSync(path, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link.split('#')[0] ?? '')
    .map((link) => (link === '' ? path : normalize(join(dirname(path), link))))
    .map((link) => english.get(link) ?? link.replace(/-zh\.png$/, '.png'))
    .filter((link) => link !== 'README.md' || !path.startsWith('README'));
  for (const link of links) expect(existsSync(link) || link.startsWith('http'), link).toBe(true);
  return [...new Set(links)].sort();
}
