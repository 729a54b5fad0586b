import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ENVIRONMENT } from '../../support/cli';
import { commandsOf } from './blocks';
import { recorded } from './recorded';

/** `npm run docs` writes the outputs of a run into the pages. */
const WRITES = process.env['DOCS'] === 'write';

const PAGES = [
  'README.md',
  'README.zh-CN.md',
  ...['docs', 'docs/zh-CN'].flatMap((folder) => [
    join(folder, 'cli.md'),
    ...readdirSync(join(folder, 'guides')).map((name) => join(folder, 'guides', name)),
  ]),
].filter((page) => existsSync(page));

const DEMO = 'npm ci && npm run demo';

it('each output that a page shows is that of a run', async () => {
  const demo = await promisify(execFile)(process.execPath, ['build/demo.cjs'], { env: ENVIRONMENT });
  const said = new Map(await recorded()).set(DEMO, demo.stdout.trim());
  const shown = PAGES.flatMap((page) => commandsOf(page).map((command) => ({ page, ...command })));
  for (const { page, text, output } of shown.filter((one) => one.output !== '')) {
    const fresh = said.get(text.replace(/ +#.*/, ''));
    if (fresh === undefined)
      throw new Error(`${page}: \`${text}\` has an output, and no run that it is from`);
    if (lasting(output) === lasting(fresh)) continue;
    if (WRITES)
      writeFileSync(
        page,
        readFileSync(page, 'utf8').replace(output, () => fresh),
      );
    else expect.soft(lasting(output), page).toBe(lasting(fresh));
  }
});

/** What is the same in every run: no times, fingerprints, ports, counts and folders, no order of writes side by side. */
function lasting(output: string): string {
  return output
    .replace(/\b(?:[0-9A-F]{2}:)+[0-9A-F]{2}\b/g, 'FINGERPRINT')
    .replace(/\b[0-9A-F]{32}\b/g, 'SERIAL')
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'ID')
    .replace(/\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+Z?)?/g, 'TIME')
    .replace(/\S*ssl-cert-reloader-demo-\w+/g, 'FOLDER')
    .replace(/127\.0\.0\.1:\d+/g, 'LISTENER')
    .replace(/\b[\d.]+ m?s\b/g, 'N s')
    .replace(/\((?:start|poll|retry), /g, '(CAUSE, ')
    .replace(/\b[\d.]+ (requests?|handshakes?|days left)\b/g, 'N $1')
    .replace(/(version|reloader) \d+\.\d+\.\d+/g, '$1 VERSION')
    .replace(/ {2,}/g, '  ')
    .replace(/(?:^(?:swapped|created) .*\n)+/gm, (rows) => rows.split('\n').sort().join('\n'));
}
