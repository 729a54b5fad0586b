import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../src/authority/authority';
import { toPem, openBundle } from '../src/certificates';
import { isRefusal } from '../src/model';

export const issuer = Authority.root('Bench Root').intermediate('Bench Intermediate');

export interface Pair {
  name: string;
  cert: string;
  key: string;
}

let issued = 0;

/** A pair that is newer than every one before it; ECDSA P-256, leaf and intermediate. */
export function newPair(name: string): Pair {
  issued += 1;
  const { chain, key } = issuer.issue({
    names: [name],
    notBefore: new Date(Date.now() - 80 * 86_400_000 + issued * 1000),
  });
  return { name, cert: chain, key };
}

export const siteName = (index: number): string => `site-${index}.example.test`;

export function makePairs(count: number): Pair[] {
  return Array.from({ length: count }, (_, index) => newPair(siteName(index)));
}

/** NAME.crt and NAME.key, 500 pairs to a folder. */
export function writePairs(root: string, pairs: readonly Pair[]): void {
  for (const [index, pair] of pairs.entries()) {
    const folder = join(root, String(Math.floor(index / 500)));
    if (index % 500 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${pair.name}.crt`), pair.cert);
    writeFileSync(join(folder, `${pair.name}.key`), pair.key);
  }
}

/** Paths of all files, in the order of `writePairs`. */
export function pathsOf(root: string, pairs: readonly Pair[]): string[] {
  return pairs.flatMap(({ name }, index) => {
    const stem = join(root, String(Math.floor(index / 500)), name);
    return [`${stem}.crt`, `${stem}.key`];
  });
}

/** The texts as Kong gets them. */
export function asStored({ name, cert, key }: Pair): { cert: string; key: string } {
  const opened = openBundle({ name, location: name, cert, key });
  if (isRefusal(opened)) throw new Error(opened.message);
  return toPem(opened);
}
