import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StatusServer } from '../../src/status';
import { testFolder } from '../support/folders';
import { ask } from '../support/http';
import { longestTurn } from '../support/longest-turn';
import { bundle, stored } from '../support/plans';
import { reloaderView, reportView } from '../support/status-views';

/** A tenant has hundreds of certificates with as many and as long names as there may be; anybody looks at the page. */
const MOST_MS = 200;
const LABEL = 'x'.repeat(60);

const certificates = Array.from({ length: 120 }, (_, at) => {
  const names = Array.from({ length: 1_000 }, (_, name) => `${LABEL}.${LABEL}.${LABEL}.n${name}-${at}.test`);
  return { certificate: stored(`c${at}`, { names }), bundle: bundle(`b${at}`, { names }) };
});

async function serving(): Promise<string> {
  const view = reportView([reloaderView(certificates)]);
  const server = new StatusServer({
    backend: {
      view: () => view,
      poll: () => Promise.resolve([]),
      reload: () => Promise.resolve(null),
      command: () => '',
      history: () => Promise.resolve({ entries: [], is_cut: false }),
    },
    say: () => undefined,
  });
  onTestFinished(() => server.close());
  const socketPath = join(testFolder(), 'socket');
  await server.listenOnSocket(socketPath);
  return socketPath;
}

test.for<[string, string]>([
  ['the largest page', 'limit=500'],
  ['a search with every word', 'limit=0&q=x+n+t+-+.'],
  ['a search for what nearly occurs', `limit=0&q=${`b${'x'.repeat(59)}`.repeat(4)}`],
])('%s holds up nothing', async ([, query]) => {
  const socketPath = await serving();
  let text = '';
  const ms = await longestTurn(async () => {
    ({ text } = await ask({ socketPath }, `/certificates?${query}`));
  });
  expect(JSON.parse(text)).toMatchObject({ counts: { total: 120 } });
  expect(ms).toBeLessThan(MOST_MS);
});
