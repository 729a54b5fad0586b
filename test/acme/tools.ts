import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Paths of executables. */
export interface AcmeTools {
  pebble: string;
  dns: string;
  certbot: string;
}

/** Tools that `prepare` has installed; installs nothing. */
export function findTools(): AcmeTools | { missing: string } {
  let output: string;
  try {
    output = execFileSync('bash', [join(__dirname, 'prepare'), '--find'], { encoding: 'utf8' });
  } catch (error) {
    return { missing: `test/acme/prepare does not run here: ${(error as Error).message}` };
  }
  const found = new Map(output.split('\n').map((line) => [line.split(' ', 1)[0], line.replace(/^\S+ /, '')]));
  const [pebble, dns, certbot] = ['pebble', 'pebble-challtestsrv', 'certbot'].map((name) => found.get(name));
  if (pebble !== undefined && dns !== undefined && certbot !== undefined) return { pebble, dns, certbot };
  return { missing: found.get('missing') ?? 'test/acme/prepare gave no reason' };
}
