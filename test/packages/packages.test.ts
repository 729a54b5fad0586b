import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { ENVIRONMENT } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';

const run = promisify(execFile);
const WWW = 'www.example.test';
const onPath = (name: string) =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
const hasNfpm = process.env['NFPM'] !== undefined || onPath('nfpm');

const OUT = ['build/packages', 'build/packages-again'] as const;

beforeAll(() => {
  for (const out of OUT)
    execFileSync(process.execPath, ['scripts/packages.mjs', '--out', out], { stdio: 'pipe' });
});

const artefacts = () => readdirSync(OUT[0]);
const artefact = (ending: string) =>
  join(OUT[0], artefacts().find((name) => name.endsWith(ending)) ?? 'missing');

/** Uses an installed package: the query, the doctor, and a gateway that starts the file. */
async function worksAs(file: string): Promise<void> {
  const [info] = JSON.parse(
    execFileSync(file, ['-dump'], { env: ENVIRONMENT, encoding: 'utf8' }),
  ) as object[];
  expect(info).toMatchObject({ Name: 'ssl-cert-reloader', Phases: [] });
  const certs = testFolder();
  const pair = issue();
  writePair(certs, 'www', pair);
  const prefix = join(testFolder(), 'prefix');
  const command = `env PATH=${ENVIRONMENT.PATH} ${file}`;
  const entry = { name: 'ssl-cert-reloader', config: { sources: [{ type: 'directory', path: certs }] } };
  const gateway = await startGateway({
    mode: 'dbless',
    prefix,
    declarativeConfig: JSON.stringify({ _format_version: '3.0', plugins: [entry] }),
    pluginServers: [
      { name: entry.name, queryCommand: `${command} -dump`, startCommand: `${command} -p ${prefix}` },
    ],
  });
  onTestFinished(() => gateway.stop());
  await eventually(
    'it is served',
    async () => (await servedLeaf(gateway.tlsPort, WWW)) === leafOf(pair.cert),
  );
  const doctor = await run(file, ['doctor', '-p', prefix], { env: ENVIRONMENT });
  expect(doctor.stdout).toContain('0 fail');
}

it('everything is made twice with the same octets, and the checksums say which', () => {
  expect(readdirSync(OUT[1])).toEqual(artefacts());
  for (const name of artefacts())
    expect([name, readFileSync(join(OUT[0], name)).equals(readFileSync(join(OUT[1], name)))]).toEqual([
      name,
      true,
    ]);
  const sums = readFileSync(join(OUT[0], 'SHA256SUMS'), 'utf8').trim().split('\n');
  expect(sums).toHaveLength(artefacts().length - 1);
  for (const line of sums) {
    const [sum = '', name = ''] = line.split('  ');
    expect(
      createHash('sha256')
        .update(readFileSync(join(OUT[0], name)))
        .digest('hex'),
    ).toBe(sum);
  }
});

it('the SBOM names what is bundled, with versions and licences', () => {
  const sbom = JSON.parse(readFileSync(join(OUT[0], 'sbom.cdx.json'), 'utf8')) as {
    components: { name: string; purl: string; licenses: object[] }[];
  };
  const names = sbom.components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['kong-pdk', 'lru-cache', 'node-forge', 'yaml']));
  expect(names).not.toContain('vitest');
  for (const { purl, licenses } of sbom.components) expect([purl, licenses.length]).toEqual([purl, 1]);
});

describe('the npm tarball', () => {
  const install = () => {
    const root = testFolder();
    // Nothing but the tarball: without a network there is nowhere to take anything else from.
    execFileSync('npm', ['install', '--global', '--offline', '--prefix', root, artefact('.tgz')], {
      stdio: 'pipe',
    });
    return { root, folder: join(root, 'lib', 'node_modules', 'ssl-cert-reloader') };
  };

  it('brings nothing else along, and works', async () => {
    const { root, folder } = install();
    expect(readdirSync(dirname(folder))).toEqual(['ssl-cert-reloader']);
    expect(existsSync(join(folder, 'node_modules'))).toBe(false);
    await worksAs(join(root, 'bin', 'ssl-cert-reloader'));
  });

  it("has the module for kong-pdk's own server, which needs nothing beside it either", () => {
    const { folder } = install();
    const server = join('node_modules', '.bin', 'kong-js-pluginserver');
    const dump = execFileSync(
      process.execPath,
      [server, '-d', join(folder, 'dist', 'plugins'), '--dump-all-plugins'],
      {
        encoding: 'utf8',
      },
    );
    expect(dump).toContain('"ssl-cert-reloader"');
  });

  it('has what the links of its pages lead to', () => {
    const { folder } = install();
    const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    const dangling = pages.flatMap((page) =>
      [...readFileSync(join(folder, page), 'utf8').matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(folder, dirname(page), link)))
        .map((link) => `${page}: ${link}`),
    );
    expect(dangling).toEqual([]);
    expect(pages.length).toBeGreaterThan(30);
  });
});

describe.skipIf(!hasNfpm)('the deb (needs nfpm and dpkg)', () => {
  it('installs into an empty system, where Kong looks, and works', async () => {
    const root = testFolder();
    mkdirSync(join(root, 'var', 'lib', 'dpkg', 'info'), { recursive: true });
    for (const file of ['status', 'available']) writeFileSync(join(root, 'var', 'lib', 'dpkg', file), '');
    execFileSync(
      'dpkg',
      ['--root', root, '--force-not-root', '--force-bad-path', '--log', '/dev/null', '-i', artefact('.deb')],
      {
        stdio: 'pipe',
      },
    );
    const file = join(root, 'usr/local/bin/ssl-cert-reloader');
    expect(statSync(file).mode & 0o777).toBe(0o755);
    expect(readFileSync(file).equals(readFileSync('dist/ssl-cert-reloader.cjs'))).toBe(true);
    const query = execFileSync(join(dirname(file), 'query_ssl-cert-reloader'), {
      env: ENVIRONMENT,
      encoding: 'utf8',
    });
    expect(query).toContain('"ssl-cert-reloader"');
    await worksAs(file);
  });

  it('recommends Node.js, and needs nothing', () => {
    const fields = execFileSync('dpkg-deb', ['--field', artefact('.deb')], { encoding: 'utf8' });
    expect(fields).toContain('Recommends: nodejs (>= 20.19)');
    expect(fields).not.toContain('\nDepends:');
    expect(fields).toContain('Architecture: all');
  });
});

describe.skipIf(!hasNfpm || !onPath('rpm'))('the rpm (needs nfpm and rpm)', () => {
  it('installs into an empty system, where Kong looks, and works', async () => {
    const root = testFolder();
    execFileSync(
      'rpm',
      [
        '--root',
        root,
        '--dbpath',
        '/var/lib/rpm',
        '--nodeps',
        '--nosignature',
        '-i',
        join(process.cwd(), artefact('.rpm')),
      ],
      {
        stdio: 'pipe',
      },
    );
    await worksAs(join(root, 'usr/local/bin/ssl-cert-reloader'));
  });
});

it('no file of a package lies outside its own places', () => {
  const text = readFileSync('scripts/packages.mjs', 'utf8');
  const places = [...text.matchAll(/['`](\/usr\/[^'`]*)['`]/g)].map(([, place = '']) => place);
  expect(places.length).toBeGreaterThan(3);
  for (const place of places) expect(relative('/usr', place)).toMatch(/ssl-cert-reloader|\$\{NAME\}/);
});
