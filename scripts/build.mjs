// Bundles everything that runs.
//   --quiet   says nothing but warnings
//   --debug   puts a source map into the one file: stack traces and the inspector show the sources
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { bundledPackages, notices } from './bundled.mjs';
import { development, shipped, writeAnswer } from './bundles.mjs';
import { writeLuaPlugin } from './lua-plugin.mjs';

const logLevel = process.argv.includes('--quiet') ? 'warning' : 'info';

rmSync('dist', { recursive: true, force: true });
const metafiles = [];
for (const bundle of shipped(process.argv.includes('--debug'))) {
  metafiles.push((await build({ ...bundle, logLevel, metafile: true })).metafile);
}
await build({ ...development(), logLevel });
chmodSync('dist/ssl-cert-reloader.cjs', 0o755);
writeAnswer('dist/ssl-cert-reloader.cjs');
writeLuaPlugin('dist/ssl-cert-reloader.cjs', 'dist');
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', notices(metafiles));
mkdirSync('build', { recursive: true });
const names = bundledPackages(metafiles).map(([, { name, version }]) => ({ name, version }));
writeFileSync('build/bundled.json', `${JSON.stringify(names)}\n`);
