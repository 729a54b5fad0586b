import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAny, toPem } from '../../../src/certificates';
import { isRefusal, type RawBundle } from '../../../src/model';
import { filesOfEveryFormat, PASSWORD, rsaIssuer } from '../../support/format-files';
import { testFolder } from '../../support/folders';
import { httpServer } from '../../support/https-server';
import { readerOf } from '../../support/remote-source';
import type { Reader } from '../../support/scans';
import { leafOf } from '../../support/tls';
import { StandInVault } from '../../support/vault';

const issued = rsaIssuer().issue({ names: ['www.example.test'], key: 'rsa-2048' });
const files = filesOfEveryFormat(issued);

function passwordFile(): string {
  const file = join(testFolder(), 'password');
  writeFileSync(file, `${PASSWORD}\n`);
  return file;
}

/** The leaf that the gate would get of the only bundle. */
async function leafIn(reader: Reader): Promise<string> {
  await reader.pass();
  const [raw] = reader.bundles.values();
  const opened = await openAny(raw as RawBundle);
  if (isRefusal(opened)) throw new Error(JSON.stringify(opened));
  expect(toPem(opened).key).toContain('PRIVATE KEY');
  return leafOf(toPem(opened).cert);
}

describe.each(files)('a pair as $format', ({ format, cert, key }) => {
  const inText = (file: Buffer) => file.toString(format.endsWith('in base64') ? 'latin1' : 'base64');

  it('is understood behind a URL', async () => {
    const { url } = await httpServer(({ path }, response) => void response.end(path === '/key' ? key : cert));
    const source = { type: 'http', url: `${url}/cert`, password_file: passwordFile() };
    const reader = readerOf(key === undefined ? source : { ...source, key_url: `${url}/key` });
    expect(await leafIn(reader)).toBe(leafOf(issued.cert));
  });

  it('is understood as base64 in Vault', async () => {
    const vault = await StandInVault.start();
    vault.put('secret/www', {
      cert: inText(cert),
      ...(key === undefined ? {} : { key: inText(key) }),
    });
    const token = vault.token({ 'secret/': ['read'] });
    const source = {
      type: 'vault',
      url: vault.url,
      token,
      secret_path: 'www',
      password_file: passwordFile(),
    };
    expect(await leafIn(readerOf(source))).toBe(leafOf(issued.cert));
  });
});
