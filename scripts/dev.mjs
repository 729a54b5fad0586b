// Follows the sources: builds, starts the gateway of `npm start`, and does both again after each change.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { context } from 'esbuild';
import { development, shipped } from './bundles.mjs';

let gateway = null;
let restarting = Promise.resolve();

async function restart() {
  if (gateway !== null && gateway.exitCode === null) {
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
  }
  gateway = spawn(process.execPath, ['build/demo.cjs', '--interactive'], { stdio: 'inherit' });
}

/** Several bundles end at about the same time; the gateway starts once all of them are whole. */
const bundles = [...shipped(true), development()];
const building = new Set();
const follow = (index) => ({
  name: 'restart',
  setup(b) {
    b.onStart(() => void building.add(index));
    b.onEnd(({ errors }) => {
      building.delete(index);
      if (errors.length > 0 || building.size > 0) return;
      chmodSync('dist/ssl-cert-reloader.cjs', 0o755);
      restarting = restarting.then(restart);
    });
  },
});
for (const index of bundles.keys()) building.add(index);
for (const [index, bundle] of bundles.entries()) {
  const plugins = [...bundle.plugins, follow(index)];
  await (await context({ ...bundle, plugins, logLevel: 'warning' })).watch();
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await restarting;
    if (gateway !== null && gateway.exitCode === null) {
      gateway.kill('SIGTERM');
      await once(gateway, 'exit');
    }
    process.exit(0);
  });
}
