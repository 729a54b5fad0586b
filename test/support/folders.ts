import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh folder that goes with the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes NAME.crt and NAME.key, each whole or not at all. */
export function writePair(folder: string, name: string, pair: { chain: string; key: string }): void {
  for (const [file, text] of [
    [`${name}.crt`, pair.chain],
    [`${name}.key`, pair.key],
  ] as const) {
    writeFileSync(join(folder, `${file}.new`), text, { mode: 0o600 });
    renameSync(join(folder, `${file}.new`), join(folder, file));
  }
}
