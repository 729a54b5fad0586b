import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandsOf, filesOf } from './blocks';
import { World } from './world';

const PAGES = ['README.md', ...readdirSync('docs/guides').map((name) => join('docs/guides', name))];

/** Programs that a reader has, and this test has not. */
const ABSENT = new Set(
  ['npm', 'kong', 'docker', 'cmctl', 'certbot', 'acme.sh', 'vault'], // prettier-ignore
);

const lacks = ['curl', 'openssl'].filter((program) => !existsSync(`/usr/bin/${program}`)).join(' and ');

it.skipIf(lacks !== '').for(PAGES)(
  `every command of %s does what the page says${lacks && ` (skipped: no ${lacks})`}`,
  async (page) => {
    const commands = commandsOf(page).filter(({ program }) => !ABSENT.has(program));
    if (commands.length === 0) return;
    const world = await World.open(!commands.some(({ text }) => text.includes('plan -c')));
    for (const { path, text } of filesOf(page)) {
      world.write(path.startsWith('/') ? path : join('home', path), world.here(text));
    }
    for (const { text } of commands) await world.type(text);
    expect(commands.length).toBeGreaterThan(0);
  },
);
