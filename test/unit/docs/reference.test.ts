import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LANGUAGES, referenceOf } from './reference';

const PAGES = Object.keys(LANGUAGES) as (keyof typeof LANGUAGES)[];

/** `npm run docs` writes what this test asks for. */
it.each(PAGES.filter((page) => existsSync(page)))('%s has the fields as they are', async (page) => {
  const reference = await referenceOf(readFileSync(page, 'utf8'), page);
  await expect(reference).toMatchFileSnapshot(`../../../${page}`);
});

it.each([
  ['docs/options.md', /\n\n[A-Z`][^|]+[.]$/],
  ['docs/zh-CN/options.md', /\n\n[\p{Script=Han}\w`][^|]+。$/u],
] as const)('%s describes every option in a sentence', async (page, sentence) => {
  const reference = await referenceOf(readFileSync(page, 'utf8'), page);
  const sections = reference.split(/^##+ /m).slice(1);
  expect(sections.length).toBeGreaterThan(90);
  for (const section of sections) expect(section.trim()).toMatch(sentence);
});
