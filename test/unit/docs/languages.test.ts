import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Folders whose every page is there in Chinese. */
const WHOLE = ['guides', 'runbooks'];

/** Pages in Chinese, and the English page of each. */
const PAGES: readonly [string, string][] = [
  ['README.zh-CN.md', 'README.md'],
  ['deploy/kubernetes/README.zh-CN.md', 'deploy/kubernetes/README.md'],
  ...readdirSync('docs/zh-CN', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name): [string, string] => [join('docs/zh-CN', name), join('docs', name)]),
];

describe.each(PAGES)('%s', (chinese, english) => {
  const pages = () => [chinese, english].map((path) => readFileSync(path, 'utf8')) as [string, string];

  it('has the headings of its English page, each with the code in it', () => {
    const [translated, original] = pages().map(headingsOf);
    expect(translated).toEqual(original);
  });

  it('has the rows of its tables, each about the same, and as many cells', () => {
    const [translated, original] = pages().map(rowsOf);
    expect(translated).toEqual(original);
  });

  it('has as many paragraphs and points', () => {
    const [translated, original] = pages().map(
      (page) => prose(page).match(/^\n(?! |\n)|^ *(?:-|\d\.) /gm)?.length,
    );
    expect(translated).toBe(original);
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

  it('leads to the Chinese page wherever there is one', () => {
    const translated = PAGES.map(([, original]) => original).filter(
      (page) => page !== english || page !== 'README.md',
    );
    expect(targetsOf(chinese).filter((page) => translated.includes(page))).toEqual([]);
  });

  it('is written in Chinese, with its punctuation', () => {
    const words = prose(pages()[0]).replace(/`[^`\n]*`|\]\([^)]*\)/g, '');
    expect(words).toMatch(/\p{Script=Han}/u);
    expect(words.match(/.*\p{Script=Han} ?[,:;(].*/gu)).toBeNull();
  });
});

it.each(WHOLE)('every page of docs/%s is there in Chinese, and no other', (folder) => {
  expect(readdirSync(`docs/zh-CN/${folder}`).sort()).toEqual(readdirSync(`docs/${folder}`).sort());
});

it('Chinese pages, and the page of the status in Chinese, use the words of the glossary', () => {
  const [, rows = ''] = readFileSync('docs/glossary.md', 'utf8').split('| Not ');
  const avoided = [...rows.matchAll(/^\|.*\|.*\| *(\p{Script=Han}.*?) *\|$/gmu)].flatMap(([, words = '']) =>
    words.split('、'),
  );
  expect(avoided.length).toBeGreaterThan(5);
  const texts = [...PAGES.map(([chinese]) => chinese), 'src/status/page/words/zh.ts'];
  for (const path of texts)
    expect(
      readFileSync(path, 'utf8').match(new RegExp(`.*(?:${avoided.join('|')}).*`, 'g')),
      path,
    ).toBeNull();
});

function prose(page: string): string {
  return page.replace(/^```[\s\S]*?^```/gm, '');
}

const codeOf = (text: string) => text.match(/`[^`]+`/g) ?? [];

function headingsOf(page: string) {
  return [...prose(page).matchAll(/^(#+) (.*)$/gm)].map(([, level, text = '']) => [level, ...codeOf(text)]);
}

/** Of each row of a table how many cells it has, the code in the first, and the numbers. */
function rowsOf(page: string) {
  return [...prose(page).matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) => {
    const cells = row.split(/(?<!\\)\|/);
    return [cells.length, ...codeOf(cells[0] ?? ''), ...(row.match(/\d+/g) ?? []).sort()];
  });
}

/** Pages and addresses that a page leads to, each once, without the place in them. */
function targetsOf(path: string): string[] {
  const links = [...prose(readFileSync(path, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link.split('#')[0] ?? '')
    .map((link) =>
      link === '' || link.startsWith('https:') ? link || path : normalize(join(dirname(path), link)),
    );
  for (const link of links) expect(existsSync(link) || link.startsWith('https:'), link).toBe(true);
  return [...new Set(links)];
}

/** Links, each by its English page where that is translated, without the switch of languages. */
function linksOf(path: string): string[] {
  const english = new Map(PAGES);
  const links = targetsOf(path)
    .map((link) => english.get(link) ?? link.replace(/-zh\.png$/, '.png').replace(/^docs\/zh-CN\//, 'docs/'))
    .filter((link) => link !== 'README.md' || !path.startsWith('README'));
  return [...new Set(links)].sort();
}
