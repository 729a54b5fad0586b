import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { issue } from '../../support/bundles';
import { cli } from '../../support/cli';
import { eventually } from '../../support/eventually';
import { testFolder, writePair } from '../../support/folders';
import { supervised } from '../../support/supervised';

const days = (count: number) => new Date(Date.now() + count * 86_400_000);
const WWW = 'www.example.test';

/** Files that are a part of no bundle, with the reason that stands for each. */
function writeStrays(folder: string): Record<string, string> {
  const write = (name: string, text: string, reason: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return { [join(folder, name)]: reason };
  };
  return {
    ...write('lone.key', issue().key, 'missing_certificate'),
    ...write(
      'old.pem',
      issue({ names: ['old.example.test'], notAfter: days(-1), notBefore: days(-90) }).cert,
      'missing_key',
    ),
    ...write('half.pem', issue({ names: ['half.example.test'] }).cert.slice(0, 300), 'incomplete'),
    ...write('big.pem', '# '.repeat(600_000), 'too_large'),
  };
}

/** One folder with everything in it that is part of no bundle, and a bundle whose issuer nobody knows. */
async function crowded() {
  const kong = await supervised({ config: { watch: false } });
  const { certs, gateway, report } = kong;
  await eventually('the first pass', async () => (await report()).reloaders[0]?.last_pass != null);
  const bare = Authority.root('Nobody')
    .intermediate('Unknown Issuer')
    .issue({ names: [WWW] });
  writePair(certs, 'www', { chain: bare.cert, key: bare.key });
  const shared = join(certs, 'shared');
  mkdirSync(shared);
  writePair(shared, 'twice', issue({ names: ['twice.example.test'] }));
  const strays = { ...writeStrays(certs), [join(shared, 'twice.crt')]: 'found_twice' };
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(
    config,
    `sources:\n- {type: directory, path: ${certs}, create: true}\n- {type: directory, path: ${shared}, create: false}\n`,
  );
  return { ...kong, strays, args: ['-c', config, '-p', gateway.prefix] };
}

it('plan, doctor and the status name every file that is part of no bundle, and every chain that ends early', async () => {
  const { args, strays, gateway, poll, report } = await crowded();
  const shown = (list: { location: string; reason: string }[] | undefined) =>
    Object.fromEntries((list ?? []).map(({ location, reason }) => [location, reason]));

  const [planned] = JSON.parse((await cli('plan', '--json', ...args)).stdout) as {
    bundles: number;
    stray_files: { location: string; reason: string }[];
    notes: { snis: string[]; detail: string }[];
  }[];
  expect(shown(planned?.stray_files)).toEqual(strays);
  expect(planned?.bundles).toBe(2);
  expect(planned?.notes).toMatchObject([
    { snis: [WWW], detail: expect.stringContaining('its issuer (Unknown Issuer)') as string },
  ]);

  const text = (await cli('plan', ...args)).stdout;
  for (const [location, reason] of Object.entries(strays))
    expect(text).toMatch(new RegExp(`^left out .*${location}.*\\(${reason}\\)`, 'm'));
  expect(text).toMatch(/^note +www\.example\.test .*its issuer \(Unknown Issuer\)/m);
  expect(text).toContain('5 files left out');

  const { findings } = JSON.parse((await cli('doctor', '--json', ...args)).stdout) as {
    findings: { check: string; verdict: string; detail: string }[];
  };
  const warned = findings.filter(({ check, verdict }) => check === 'sources' && verdict === 'warn');
  for (const [location, reason] of Object.entries(strays))
    expect(warned.filter(({ detail }) => detail.includes(location) && detail.includes(reason))).toHaveLength(
      1,
    );
  expect(warned.filter(({ detail }) => detail.includes('Unknown Issuer'))).toHaveLength(1);

  await poll();
  const [reloader] = (await report()).reloaders;
  const ofOneSource = Object.entries(strays).filter(([, reason]) => reason !== 'found_twice');
  expect(shown(reloader?.sources.flatMap(({ stray_files: files = [] }) => files))).toEqual(
    Object.fromEntries(ofOneSource),
  );
  expect(reloader?.certificates.find(({ snis }) => snis.includes(WWW))?.note).toContain('Unknown Issuer');
  const status = (await cli('status', '-p', gateway.prefix)).stdout;
  for (const [location] of ofOneSource) expect(status).toMatch(new RegExp(`^left out  ${location}`, 'm'));
  expect(status).toMatch(/www\.example\.test .*its issuer \(Unknown Issuer\)/);
});

it('names that no client can ask for are said, beside good ones and where there is no other', async () => {
  const { certs, gateway, poll, report, becomes } = await supervised({ config: { watch: false } });
  writePair(certs, 'www', issue({ names: [WWW, 'w*.example.test', 'shop.example.test.'] }));
  writePair(certs, 'address', issue({ names: ['192.0.2.7'] }));
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `sources:\n- {type: directory, path: ${certs}, create: true}\n`);
  const args = ['-c', config, '-p', gateway.prefix];
  const partly = /"w\*\.example\.test" has a wildcard.*"shop\.example\.test\." ends in a dot/;
  const byAddress = /192\.0\.2\.7.*default certificate.*ssl_cert/;

  const planned = (await cli('plan', ...args)).stdout;
  expect(planned).toMatch(new RegExp(`^note .*${partly.source}`, 'm'));
  expect(planned).toMatch(new RegExp(`^refused .*${byAddress.source}.*\\(no_names\\)`, 'm'));
  const doctor = (await cli('doctor', ...args)).stdout.replace(/\s+/g, ' ');
  expect(doctor).toMatch(partly);
  expect(doctor).toMatch(byAddress);
  for (const [name, said] of [
    ['www', partly],
    ['address', byAddress],
  ] as const)
    expect((await cli('inspect', join(certs, `${name}.crt`), join(certs, `${name}.key`))).stdout).toMatch(
      new RegExp(`^note .*${said.source}`, 'm'),
    );

  await poll();
  // It is in step from then on, and the sentence stays.
  await becomes('www is in Kong', ({ snis, state }) => snis.includes(WWW) && state === 'in_sync');
  await poll();
  const [reloader] = (await report()).reloaders;
  expect(reloader?.certificates.find(({ snis }) => snis.includes(WWW))?.note).toMatch(partly);
  const status = (await cli('status', '-p', gateway.prefix)).stdout;
  expect(status).toMatch(partly);
});

it('the log says each of them once', async () => {
  const { lines, poll, strays, becomes } = await crowded();
  await poll();
  // A leaf whose chain may still be written is waited for.
  await becomes('the leaf is in Kong', ({ snis, stored }) => snis.includes(WWW) && stored !== null);
  await poll();
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const left = said.filter(({ message }) => message === 'a file is part of no bundle');
  expect(left).toHaveLength(Object.values(strays).filter((reason) => reason !== 'found_twice').length);
  expect(said.filter(({ message }) => message === 'a bundle needs attention')).toMatchObject([
    { detail: expect.stringContaining('Unknown Issuer') as string, snis: [WWW] },
  ]);
});

it('inspect warns of a leaf whose way up is not known', async () => {
  const folder = testFolder();
  const { cert, key, chain } = Authority.root('Nobody')
    .intermediate('Unknown Issuer')
    .issue({ names: [WWW] });
  const file = join(folder, 'www.pem');
  writeFileSync(file, cert + key, { mode: 0o600 });
  const bare = await cli('inspect', file);
  expect(bare.code).toBe(0);
  expect(bare.stdout).toMatch(/^note +the leaf comes without a chain: its issuer \(Unknown Issuer\)/m);
  writeFileSync(file, chain + key);
  expect((await cli('inspect', file)).stdout).not.toMatch(/^note/m);
});
