import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTLE_MS } from '../../../src/pass/findings';
import { FileSource } from '../../../src/sources';
import { blocksOf, derOf, issue } from '../../support/bundles';
import { testFolder } from '../../support/folders';
import { jks, PASSWORD } from '../../support/format-files';
import { eventsOf, passing } from '../../support/stages';

const issued = issue();
const entry = { alias: 'www', key: derOf(issued.key), chain: blocksOf(issued.chain).map(derOf) };
const text = (bytes: Buffer) => bytes.toString('latin1');

describe('a standalone file', () => {
  it.each([
    ['a truststore', 'keystore', jks([]), []],
    [
      'a file that is not a keystore',
      'keystore',
      Buffer.from('note'),
      ['file: refused as unsupported_format'],
    ],
    [
      'a keystore that is cut off',
      'keystore',
      jks([entry]).subarray(0, 99),
      ['file: refused as unsupported_format'],
    ],
    [
      'a note that was named as the certificate',
      undefined,
      Buffer.from('note'),
      ['file: refused as unsupported_format'],
    ],
    [
      'a certificate without key that was named',
      undefined,
      derOf(issued.cert),
      ['file: refused as missing_key'],
    ],
    ['a keystore', 'keystore', jks([entry]), ['file: created (served)']],
  ] as const)('%s (%s)', async (_, standalone, cert, expected) => {
    const { source, runner, clock } = passing({ create: true });
    source.put('file', {
      cert: text(cert),
      key: '',
      password: PASSWORD,
      ...(standalone === undefined ? {} : { standalone }),
    });
    const events = eventsOf(await runner.pass('start'));
    clock.now += SETTLE_MS;
    events.push(...eventsOf(await runner.pass('retry')));
    expect(events).toEqual(expected);
  });

  it('that a source names is trouble where it has no key', () => {
    const file = join(testFolder(), 'www.pem');
    writeFileSync(file, issued.chain);
    const raw = new FileSource(file, null, true).read();
    expect(raw).not.toHaveProperty('standalone');
  });
});

it('a pair that comes in another format is in step without a write', async () => {
  const { source, gateway, runner } = passing();
  gateway.put('www', issued);
  source.put('www', { cert: text(jks([entry])), key: '', password: PASSWORD });
  const { inSync, events } = await runner.pass('start');
  expect({ inSync, events, writes: gateway.writes }).toEqual({ inSync: 1, events: [], writes: [] });
});
