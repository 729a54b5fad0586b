import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALERT_NAMES } from '../../src/alerts';
import { findRunbook, runbookNames } from '../../src/status/runbooks';
import { readAlerts } from './rules';

const FOLDER = resolve('docs/runbooks');
const help = new Map<string, string>();

/**
 * Help of one of the command's verbs.
 * @throws Error where there is no such verb
 */
function helpOf(verb: string): string {
  const known = help.get(verb);
  if (known !== undefined) return known;
  const text = execFileSync(resolve('dist/ssl-cert-reloader.cjs'), [verb, '--help'], { encoding: 'utf8' });
  help.set(verb, text);
  return text;
}

const names = [...new Set([...readAlerts().map(({ alert }) => alert), ...Object.values(ALERT_NAMES)])].sort();

it('there is one for each alert, and no other', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(names.map((name) => `${name}.md`));
  expect(runbookNames().sort()).toEqual(names);
});

const EDITIONS = [
  { language: 'en', folder: FOLDER, sections: ['Meaning', 'Impact', 'Look at', 'Fix'], other: 'zh' },
  {
    language: 'zh',
    folder: resolve('docs/zh-CN/runbooks'),
    sections: ['含义', '影响', '查看', '处理'],
    other: 'en',
  },
] as const;
const editionsOfAll = names.flatMap((name) => EDITIONS.map((edition) => ({ name, ...edition })));

describe.each(editionsOfAll)(
  'the runbook $name in $language',
  ({ name, language, folder, sections, other }) => {
    const text = readFileSync(join(folder, `${name}.md`), 'utf8');

    it('says what it means, what it does to users, where to look and what to do', () => {
      const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
      expect(headings).toEqual([name, ...sections]);
    });

    it('is served as a page that shows all of it and links only runbooks that there are', () => {
      const { html = '', markdown } = findRunbook(name, language) ?? {};
      expect(markdown).toBe(text);
      expect(html.match(/<h[12]>/g)).toHaveLength(5);
      expect(html.match(/<pre>/g)).toHaveLength((text.match(/^```/gm) ?? []).length / 2);
      expect(html.match(/<li>/g) ?? []).toHaveLength((text.match(/^- /gm) ?? []).length);
      const shown = html.replace(/<style>[^]*<\/style>|<[^>]+>/g, '');
      expect(shown).not.toMatch(/\]\(|```|\*\*|undefined/);
      for (const [, link = ''] of html.matchAll(/href="([^"]+)"/g))
        if (link !== '../' && link !== `?lang=${other}`)
          expect(names.map((one) => `${one}?lang=${language}`)).toContain(link);
    });

    it('names commands and flags of ssl-cert-reloader that there are, and files that there are', () => {
      const commands = [...text.matchAll(/ssl-cert-reloader ([a-z]+)((?: --?[a-z-]+)*)/g)];
      for (const [, verb = '', flags = ''] of commands) {
        const said = helpOf(verb);
        expect(said).toContain(`Usage: ssl-cert-reloader ${verb}`);
        for (const flag of flags.split(' ').filter((one) => one !== '')) expect(said).toContain(flag);
      }
      for (const [, link = ''] of text.matchAll(/\]\(([^)#]+)/g))
        expect(existsSync(join(folder, link))).toBe(true);
    });
  },
);
