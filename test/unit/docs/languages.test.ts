import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Pages and folders of pages that are in English only, and why. */
const ENGLISH_ONLY = {
  'CHANGELOG.md': 'grows with every change',
  'CONTRIBUTING.md': 'for developers, as the code',
  'docs/architecture.md': 'for developers, as the code',
  'docs/decisions': 'for developers, as the code; a page that users are sent to has a Chinese one',
  'docs/figures.md': 'rewritten with every measurement',
};

/** Pages in Chinese, and the English page of each. */
const PAGES: readonly [string, string][] = [
  ['README.zh-CN.md', 'README.md'],
  ['SECURITY.zh-CN.md', 'SECURITY.md'],
  ['deploy/kubernetes/README.zh-CN.md', 'deploy/kubernetes/README.md'],
  ['deploy/monitoring/README.zh-CN.md', 'deploy/monitoring/README.md'],
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

  it('has the same code, with its comments in Chinese', () => {
    const [translated = [], original] = pages().map((page) => page.match(FENCED) ?? []);
    expect(translated.map(withoutComments)).toEqual(original?.map(withoutComments));
    const comments = translated.flatMap((code) => code.match(COMMENT) ?? []);
    expect(comments.filter((text) => / \S+ \S/.test(text) && !/\p{Script=Han}/u.test(text))).toEqual([]);
  });

  it('names the same options, commands and files', () => {
    const [translated, original] = pages().map((page) =>
      [...new Set(unwrapped(prose(page)).match(/`[^`\n]+`/g) ?? [])].sort(),
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

  it('says which links lead to a page in English', () => {
    const english = prose(pages()[0])
      .split('\n')
      .filter((line) => linksIn(line).some((link) => isEnglish(link, chinese)));
    expect(english.filter((line) => !/英文|English/.test(line))).toEqual([]);
  });

  it('is written in Chinese, with its punctuation', () => {
    // Words of code, targets of links, numbers and English words keep theirs.
    const words = prose(pages()[0]).replace(/`[^`\n]*`|\]\([^)]*\)|https?:\S+|\d,(?=\d{3})|\w, (?=\w)/g, '');
    expect(words).toMatch(/\p{Script=Han}/u);
    expect(words.match(/.*[,:;()"].*/g)).toBeNull();
  });
});

it('every page is there in Chinese, or is known to be in English only', () => {
  const pages = ['.', 'docs', 'deploy'].flatMap((folder) =>
    readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => normalize(join(folder, name))),
  );
  const known = [...Object.keys(ENGLISH_ONLY), ...PAGES.flat()];
  expect(pages.length).toBeGreaterThan(100);
  expect(pages.filter((page) => !known.some((name) => page === name || page.startsWith(`${name}/`)))).toEqual(
    [],
  );
  expect(known.filter((name) => !existsSync(name))).toEqual([]);
});

it('Chinese pages, and the page of the status in Chinese, use the words of the glossary', () => {
  const [, rows = ''] = readFileSync('docs/glossary.md', 'utf8').split('| Not ');
  const avoided = [...rows.matchAll(/^\|.*\|.*\| *(\p{Script=Han}.*?) *\|$/gmu)].flatMap(([, words = '']) =>
    words.split('、'),
  );
  expect(avoided.length).toBeGreaterThan(5);
  const texts = [...PAGES.map(([chinese]) => chinese), 'src/status/page/words/zh.ts'].filter(
    (path) => !path.endsWith('glossary.md'),
  );
  for (const path of texts)
    expect(
      readFileSync(path, 'utf8').match(new RegExp(`.*(?:${avoided.join('|')}).*`, 'g')),
      path,
    ).toBeNull();
});

const FENCED = /^( *)```[^]*?^\1```/gm;
const COMMENT = /(?<=^|\s)# .*$/gm;

function prose(page: string): string {
  return page.replace(FENCED, '');
}

/** Without the line breaks in paragraphs. */
const unwrapped = (text: string) => text.replace(/(?<![|\n])\n(?![|\n])/g, ' ').replace(/ {2,}/g, ' ');

const withoutComments = (code: string) => code.replace(COMMENT, '#');

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

const linksIn = (text: string) =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link.split('#')[0] ?? '');

/** A page, a folder of pages or a schema that no Chinese page stands beside. */
function isEnglish(link: string, from: string): boolean {
  if (link === '' || link.startsWith('https:')) return false;
  const page = normalize(join(dirname(from), link));
  return /\.(md|schema\.json)$|decisions$/.test(page) && !PAGES.some(([chinese]) => chinese === page);
}

/** Pages and addresses that a page leads to, each once, without the place in them. */
function targetsOf(path: string): string[] {
  const links = linksIn(prose(readFileSync(path, 'utf8'))).map((link) =>
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
