import { build, type Metafile } from 'esbuild';
import { expect, it } from 'vitest';

/** Every module of ours that is loaded when the program starts: the ones that are imported by `import()` are not. */
async function loadedAtStart(): Promise<{ atStart: Set<string>; bundled: Set<string> }> {
  const { shipped } = await import('../../../scripts/bundles.mjs');
  const { metafile } = await build({
    ...shipped()[1],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const atStart = new Set<string>();
  follow(metafile.inputs, 'src/cli/main.ts', atStart);
  return { atStart, bundled: new Set(Object.keys(metafile.inputs)) };
}

function follow(inputs: Metafile['inputs'], path: string, seen: Set<string>): void {
  if (seen.has(path)) return;
  seen.add(path);
  for (const { path: next, kind } of inputs[path]?.imports ?? []) {
    if (kind !== 'dynamic-import') follow(inputs, next, seen);
  }
}

it.each(['src/sources/vault/source.ts', 'src/sources/http/source.ts'])(
  '%s is in the executable and is loaded only where it is configured',
  async (module) => {
    const { atStart, bundled } = await loadedAtStart();
    expect(bundled).toContain(module);
    expect(atStart).toContain('src/sources/directory/source.ts');
    expect(atStart).not.toContain(module);
  },
);
