import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALERT_NAMES } from '../../src/alerts';
import { findRunbook, runbookNames } from '../../src/status/runbooks';
import { readAlerts } from './rules';

const FOLDER = resolve('docs/runbooks');
const help = new Map<string, string>();

/** What the built command says of one of its verbs. @throws Error where there is no such verb */
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

describe.each(names)('the runbook %s', (name) => {
  const text = readFileSync(join(FOLDER, `${name}.md`), 'utf8');

  it('says what it means, what it does to users, where to look and what to do', () => {
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([name, 'Meaning', 'Impact', 'Look at', 'Fix']);
  });

  it('is served as a page that shows all of it and links only runbooks that there are', () => {
    const { html = '', markdown } = findRunbook(name) ?? {};
    expect(markdown).toBe(text);
    expect(html.match(/<h[12]>/g)).toHaveLength(5);
    expect(html.match(/<pre>/g)).toHaveLength((text.match(/^```/gm) ?? []).length / 2);
    expect(html.match(/<li>/g) ?? []).toHaveLength((text.match(/^- /gm) ?? []).length);
    const shown = html.replace(/<style>[^]*<\/style>|<[^>]+>/g, '');
    expect(shown).not.toMatch(/\]\(|```|\*\*|undefined/);
    for (const [, link = ''] of html.matchAll(/href="([^"]+)"/g))
      if (link !== '../') expect(names).toContain(link);
  });

  it('names commands and flags of ssl-cert-reloader that there are, and files that there are', () => {
    const commands = [...text.matchAll(/ssl-cert-reloader ([a-z]+)((?: --?[a-z-]+)*)/g)];
    for (const [, verb = '', flags = ''] of commands) {
      const said = helpOf(verb);
      expect(said).toContain(`Usage: ssl-cert-reloader ${verb}`);
      for (const flag of flags.split(' ').filter((one) => one !== '')) expect(said).toContain(flag);
    }
    for (const [, link = ''] of text.matchAll(/\]\(([^)#]+)/g))
      expect(existsSync(join(FOLDER, link))).toBe(true);
  });
});
