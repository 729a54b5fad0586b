import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startGateway, type Gateway } from '../../gateway';
import { issue } from '../../support/bundles';
import { cli, EXECUTABLE, start } from '../../support/cli';
import { eventually } from '../../support/eventually';
import { testFolder, writePair } from '../../support/folders';

const DAY = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY);
const WWW = 'www.example.com';
const NAMES = { names: [WWW, 'api.example.com'] };

/**
 * What commands say on one machine, in the order in which somebody would type them: a renewal, a new certificate, a
 * broken pair, and a certificate that nothing renews.
 * @returns by command; folders and ports are those that a reader has
 */
export async function recorded(): Promise<ReadonlyMap<string, string>> {
  const root = testFolder();
  const prefix = join(root, 'usr/local/kong');
  const certs = join(root, 'etc/kong/certs');
  for (const folder of [prefix, certs]) mkdirSync(folder, { recursive: true });
  const server = { name: 'ssl-cert-reloader', queryCommand: `${EXECUTABLE} -dump` };
  const gateway = await startGateway({ mode: 'database', prefix, pluginServers: [server] });
  try {
    const said = new Map<string, string>();
    const type = async (command: string, ...more: string[]) => {
      const [, ...words] = command.split(' ');
      const { stdout, stderr } = await cli(...words, ...more);
      said.set(command, forReaders(stdout || stderr, root, gateway));
    };
    const ask = (command: string) => type(command, '-p', prefix);

    const old = issue({ ...NAMES, notBefore: inDays(-60), notAfter: inDays(30) });
    const ending = issue({ names: ['old.example.com'], notBefore: inDays(-86), notAfter: inDays(4) });
    gateway.seed([
      { cert: old.chain, key: old.key, snis: NAMES.names },
      { cert: ending.chain, key: ending.key, snis: ['old.example.com'] },
    ]);
    writePair(certs, 'www', issue({ ...NAMES, notAfter: inDays(89.9) }));
    writePair(certs, 'shop', issue({ names: ['shop.example.com'], notAfter: inDays(89.95) }));
    writePair(certs, 'bad', { ...issue({ names: ['bad.example.com'] }), key: issue().key });
    await fetch(`${gateway.adminUrl}/plugins`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'ssl-cert-reloader',
        config: { sources: [{ type: 'directory', path: certs }] },
      }),
    });
    await ask('ssl-cert-reloader plan');
    await ask('ssl-cert-reloader sync');

    start(['run', '--serve-plugin', '-p', prefix]);
    await eventually('it runs', async () => (await cli('status', '-p', prefix)).code === 2);
    await ask('ssl-cert-reloader status');
    await ask('ssl-cert-reloader doctor');
    await ask('ssl-cert-reloader drill');
    const renewed = issue({ ...NAMES, notAfter: inDays(91) });
    const happened = async (word: string) => {
      await cli('status', '--poll', '-p', prefix);
      return (await cli('history', WWW, '-p', prefix)).stdout.includes(word);
    };
    writePair(certs, 'www', { ...renewed, key: issue().key });
    await eventually('it is refused', () => happened('refused'));
    writePair(certs, 'www', renewed);
    await eventually('it is swapped', () => happened(inDays(91).toISOString().slice(0, 10)));
    await ask(`ssl-cert-reloader history ${WWW}`);
    await ask(`ssl-cert-reloader rollback ${WWW}`);
    await type('ssl-cert-reloader explain key_mismatch');
    const pair = ['www.crt', 'www.key'];
    const { stdout } = await cli('inspect', ...pair.map((name) => join(certs, name)));
    said.set(`ssl-cert-reloader inspect ${pair.join(' ')}`, forReaders(stdout, `${certs}/`, gateway));
    return said;
  } finally {
    await gateway.stop();
  }
}

/** The same with the folders and ports of a reader. */
function forReaders(text: string, root: string, { adminUrl, tlsPort }: Gateway): string {
  const lines = text
    .replaceAll(new URL(adminUrl).host, '127.0.0.1:8001')
    .replaceAll(`127.0.0.1:${tlsPort}`, '127.0.0.1:8443')
    .replace(/run as \w+/, 'run as kong')
    // A reader's Kong has the usual prefix, which no command has to name.
    .replaceAll(` -p ${root}/usr/local/kong`, '')
    .trim()
    .split('\n');
  // A column of paths becomes narrower in every row.
  const at = Math.min(...lines.map((line) => line.indexOf(`  ${root}`) + 2).filter((column) => column > 1));
  return lines
    .map((line) =>
      line.startsWith(root, at)
        ? line
        : line.slice(0, at) + line.slice(at).replace(' '.repeat(root.length), ''),
    )
    .map((line) => line.replaceAll(root, ''))
    .join('\n');
}
