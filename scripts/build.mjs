// Bundles everything that runs.
//   --quiet   says nothing but warnings
//   --debug   puts a source map into the one file: stack traces and the inspector show the sources
import { chmodSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { development, shipped } from './bundles.mjs';
import { writeLuaPlugin } from './lua-plugin.mjs';

const logLevel = process.argv.includes('--quiet') ? 'warning' : 'info';

rmSync('dist', { recursive: true, force: true });
for (const bundle of [...shipped(process.argv.includes('--debug')), development()]) {
  await build({ ...bundle, logLevel });
}
chmodSync('dist/ssl-cert-reloader.cjs', 0o755);
writeLuaPlugin('dist/ssl-cert-reloader.cjs', 'dist');
