// Bundles: two shipped files in dist/, the development programs in build/.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';
import { workersAsText } from './worker-source.mjs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** Line of the launcher that `writeAnswer` replaces. */
const NO_ANSWER = "':' //; :";

// Kong starts the file with an empty environment: `env node` would not find /usr/local/bin/node, a shell
// does. The second line is a string to JavaScript and the start of a command to the shell. The process is to stay
// small, since it lives beside a gateway: no snapshot of Node's start (2 MB), no optimizing compiler before there is
// much to do (6 MB, src/common/v8.ts), a small young generation, few arenas, a collection after big passes and a
// malloc that gives big pieces back (its threshold grows by itself unless it is named). One thread collects the small
// young generation: waking a second one takes longer than that.
const launcher = (nodeOptions) => `#!/bin/sh
':' //; PATH="\${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"; export PATH
':' //; command -v node >/dev/null 2>&1 || { echo "ssl-cert-reloader: node is not on $PATH; install Node.js 20.19 or later" >&2; exit 127; }
${NO_ANSWER}
':' //; MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072 exec node --no-node-snapshot --no-opt --max-semi-space-size=1 --no-parallel-scavenge --expose-gc ${nodeOptions}"$0" "$@"
{ const [major, minor] = process.versions.node.split('.').map(Number); if (major < 20 || (major === 20 && minor < 19)) { console.error('ssl-cert-reloader: Node.js 20.19 or later is needed, this is ' + process.versions.node); process.exit(1); } }`;

/**
 * Puts the answer to Kong's query command (`-dump`, or the file's name `query_…`) into the launcher: it never changes, Kong
 * waits for it at its start, and a shell prints it at once. If the version of Node.js is not supported, the program runs
 * and says so.
 */
export function writeAnswer(program) {
  const answer = execFileSync(process.execPath, [program, '-dump'], { encoding: 'utf8' }).trim();
  // Single quotes would end the shell's string; V8 keeps the file with one byte a character if it is ASCII.
  const quoted = answer.replace(
    /[^ -&(-~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const flags = ['dump', 'dump-all-plugins', 'dump-plugin-info'].flatMap((flag) => [`-${flag}`, `--${flag}`]);
  const asked = [...flags.map((flag) => `"1 ${flag} "*`), '"0  query_"*'].join('|');
  const supported = 'v20.19.*|v20.[2-9]?.*|v2[1-9].*|v[3-9]?.*';
  const line = `':' //; case "$# $1 \${0##*/}" in ${asked}) case "$(node -v)" in ${supported}) printf '%s\\n' '${quoted}'; exit;; esac;; esac`;
  writeFileSync(
    program,
    readFileSync(program, 'utf8').replace(NO_ANSWER, () => line),
  );
}

/** kong-pdk registers ts-node when it is loaded; the bundle holds no TypeScript and saves 60 MB without it. */
const withoutTsNode = {
  name: 'without-ts-node',
  setup(b) {
    b.onResolve({ filter: /^ts-node$/ }, () => ({ path: 'ts-node', namespace: 'empty' }));
    b.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'exports.register = () => {}' }));
  },
};

/** Chinese pages are packed: V8 keeps the text of the file, in which a character of theirs would take six octets. */
const packedPages = {
  name: 'packed-pages',
  setup(b) {
    b.onLoad({ filter: /zh-CN[\\/].*\.md$/ }, ({ path }) => ({
      contents: `module.exports = require('node:zlib').brotliDecompressSync(Buffer.from('${brotliCompressSync(readFileSync(path)).toString('base64')}', 'base64')).toString();`,
      watchFiles: [path],
    }));
  },
};

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // The status page is served as it is written.
  loader: { '.html': 'text', '.css': 'text', '.md': 'text' },
  define: { __VERSION__: JSON.stringify(version) },
  plugins: [withoutTsNode, workersAsText, packedPages],
  legalComments: 'eof',
};

/** The one file and the module for kong-pdk's own server. @param debug with a source map in the one file */
export const shipped = (debug = false) => [
  {
    ...shared,
    entryPoints: { 'plugins/ssl-cert-reloader': 'plugins/ssl-cert-reloader.ts' },
    outdir: 'dist',
  },
  {
    ...shared,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/ssl-cert-reloader.cjs',
    banner: { js: launcher(debug ? '--enable-source-maps ' : '') },
    // V8 keeps the text of what it runs, all of it with two octets a character where one comment has a "…": 4.3 MB
    // of memory instead of 1.4. Names stay as they are, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    ...(debug ? { sourcemap: 'inline' } : {}),
  },
];

const programs = {
  demo: 'demo/main.ts',
  bench: 'bench/main.ts',
  peers: 'bench/peers/main.ts',
  gateway: 'test/gateway/main.ts',
  live: 'test/live/main.ts',
  fuzz: 'test/fuzz/main.ts',
  torture: 'test/torture/main.ts',
  soak: 'test/torture/soak.ts',
  kills: 'test/torture/kills-main.ts',
  'torture-kill': 'test/torture/preload/kill.ts',
  'torture-clock': 'test/torture/preload/clock.ts',
};

/** Demo, benchmarks, the stand-in gateway and the runners of test suites, as far as they are there. */
export const development = () => ({
  ...shared,
  entryPoints: Object.fromEntries(Object.entries(programs).filter(([, path]) => existsSync(path))),
  outdir: 'build',
  outExtension: { '.js': '.cjs' },
  sourcemap: true,
  external: ['esbuild', 'vitest'],
});
