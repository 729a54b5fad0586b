// Makes what is released, into build/packages: npm tarball, deb, rpm, SBOM, checksums. The same sources make the same
// octets. Needs a build; nfpm (go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2) for deb and rpm.
//   --out DIR   elsewhere
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'build/packages' } } });
const out = resolve(values.out);
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const NAME = manifest.name;
const run = (command, args, env = {}) =>
  execFileSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// npm gives every file the same time, so that a tarball depends on its files alone.
run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', out]);

const nfpm = [
  process.env.NFPM,
  ...(process.env.PATH ?? '').split(':').map((folder) => join(folder, 'nfpm')),
].find((path) => path && existsSync(path));
if (nfpm === undefined) console.error('no deb and no rpm: nfpm is not on the PATH');
else packages(nfpm);

writeFileSync(join(out, 'sbom.cdx.json'), `${JSON.stringify(sbom(), null, 2)}\n`);
const sums = readdirSync(out)
  .sort()
  .map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(out, name)))
        .digest('hex')}  ${name}\n`,
  );
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));

/** @param {string} nfpm */
function packages(nfpm) {
  const folder = mkdtempSync(join(tmpdir(), 'packages-'));
  try {
    const time = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? releasedAt()) * 1000).toISOString();
    const completion = join(folder, 'completion');
    writeFileSync(completion, run(resolve('dist/ssl-cert-reloader.cjs'), ['completion', 'bash']));
    const file = (src, dst, mode) => ({ src, dst, file_info: { mode, mtime: time } });
    const doc = (src) => file(src, `/usr/share/doc/${NAME}/${src.split('/').at(-1)}`, 0o644);
    const lua = 'dist/kong/plugins/ssl-cert-reloader';
    const config = {
      name: NAME,
      version: manifest.version,
      arch: 'all',
      platform: 'linux',
      section: 'net',
      priority: 'optional',
      mtime: time,
      maintainer: `the authors of ${NAME} <noreply@example.com>`,
      description: manifest.description,
      homepage: manifest.homepage,
      license: manifest.license,
      // Not depended on: Node.js may come from elsewhere, and Kong from its image's layers.
      recommends: ['nodejs'],
      contents: [
        // Kong looks nowhere else.
        file('dist/ssl-cert-reloader.cjs', '/usr/local/bin/ssl-cert-reloader', 0o755),
        {
          src: 'ssl-cert-reloader',
          dst: '/usr/local/bin/query_ssl-cert-reloader',
          type: 'symlink',
          file_info: { mtime: time },
        },
        file(completion, '/usr/share/bash-completion/completions/ssl-cert-reloader', 0o644),
        ...['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/THIRD-PARTY-LICENSES.txt'].map(doc),
        // For a control plane; where Kong itself would look for them they would take the plugin server's place.
        ...(existsSync(lua) ? readdirSync(lua) : []).map((name) =>
          file(join(lua, name), `/usr/share/${NAME}/kong/plugins/ssl-cert-reloader/${name}`, 0o644),
        ),
      ],
      overrides: {
        deb: { recommends: ['nodejs (>= 20.19)'] },
        rpm: { recommends: ['nodejs >= 1:20.19'] },
      },
      deb: { compression: 'xz' },
      rpm: { buildhost: 'localhost' },
    };
    const path = join(folder, 'nfpm.json');
    writeFileSync(path, JSON.stringify(config));
    const epoch = String(Date.parse(time) / 1000);
    for (const packager of ['deb', 'rpm'])
      run(nfpm, ['package', '--config', path, '--packager', packager, '--target', out], {
        SOURCE_DATE_EPOCH: epoch,
      });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Seconds since the epoch: of the commit, so that everybody who builds it gets the same. */
function releasedAt() {
  try {
    return Number(run('git', ['log', '-1', '--format=%ct']));
  } catch {
    return 0;
  }
}

/** npm's report on the packages in the bundle, without parts that differ from run to run. */
function sbom() {
  const bundled = new Set(
    JSON.parse(readFileSync('build/bundled.json', 'utf8')).map(({ name, version }) => `${name}@${version}`),
  );
  const all = JSON.parse(run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']));
  const components = all.components.filter(({ group, name, version }) =>
    bundled.has(`${group ? `${group}/` : ''}${name}@${version}`),
  );
  const kept = new Set([all.metadata.component['bom-ref'], ...components.map((one) => one['bom-ref'])]);
  // To npm they are there for development, since nothing is installed beside the bundle.
  for (const component of components) delete component.properties;
  delete all.metadata.timestamp;
  delete all.serialNumber;
  return {
    ...all,
    components,
    dependencies: all.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) })),
  };
}
