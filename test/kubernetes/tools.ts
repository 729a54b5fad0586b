import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Paths of executables. */
export interface Tools {
  etcd: string;
  apiserver: string;
}

/** Tools that `prepare` has built; only `prepare` knows where they are. Builds and fetches nothing. */
export function findTools(): Tools | { missing: string } {
  let output: string;
  try {
    output = execFileSync('bash', [join(__dirname, 'prepare'), '--find'], { encoding: 'utf8' });
  } catch (error) {
    return { missing: `test/kubernetes/prepare does not run here: ${(error as Error).message}` };
  }
  const found = new Map(output.split('\n').map((line) => [line.split(' ', 1)[0], line.replace(/^\S+ /, '')]));
  const [etcd, apiserver] = [found.get('etcd'), found.get('apiserver')];
  if (etcd !== undefined && apiserver !== undefined) return { etcd, apiserver };
  return { missing: found.get('missing') ?? 'test/kubernetes/prepare gave no reason' };
}
