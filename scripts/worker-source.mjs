// The program of a worker thread as a text: `import source from './some-thread?worker'` bundles some-thread.ts. The
// one file, kong-pdk's plugin and the tests start it the same way, whatever file they run from. `?browser` does the same
// for the script of a page.
import { dirname, resolve } from 'node:path';
import { build } from 'esbuild';

export const WORKER = /\?(?:worker|browser)$/;

/** @param id as it is imported @param importer the importing file @returns the file and what it is for */
export const threadPath = (id, importer) =>
  `${resolve(dirname(importer), id.replace(WORKER, ''))}.ts${id.endsWith('?browser') ? '?browser' : ''}`;

const NODE = { platform: 'node', target: 'node20' };

/** @returns the text, and the files that it is made of */
export async function workerSource(path) {
  const isPage = path.endsWith('?browser');
  const { outputFiles, metafile } = await build({
    entryPoints: [path.replace(WORKER, '')],
    bundle: true,
    ...(isPage ? { platform: 'browser', target: 'es2022', minifyIdentifiers: true } : NODE),
    // A thread's program is a script: its variables must not be global ones.
    format: 'iife',
    minifyWhitespace: true,
    minifySyntax: true,
    write: false,
    metafile: true,
    legalComments: 'none',
    lineLimit: 120,
    logLevel: 'silent',
  });
  return { text: outputFiles[0].text, files: Object.keys(metafile.inputs).map((file) => resolve(file)) };
}

/** For esbuild. */
export const workersAsText = {
  name: 'workers-as-text',
  setup(b) {
    b.onResolve({ filter: WORKER }, ({ path, importer }) => ({
      path: threadPath(path, importer),
      namespace: 'worker',
    }));
    b.onLoad({ filter: /.*/, namespace: 'worker' }, async ({ path }) => {
      const { text, files } = await workerSource(path);
      return { contents: text, loader: 'text', watchFiles: files };
    });
  },
};
