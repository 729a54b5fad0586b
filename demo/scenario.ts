import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority, type Issued } from '../src/authority/authority';

export interface Step {
  name: string;
  /** Changes what is on disk. */
  run: () => void;
  /** Kong must not take it. */
  isBroken?: true;
}

/** A site whose certificate is renewed in every way that there is, and once broken. */
export function scenario(folder: string, host: string): Step[] {
  const root = Authority.root('Demo Root');
  const first = root.intermediate('Demo Intermediate');
  // Each renewal is valid from a second later: a gateway must not go back to an older one.
  const started = Date.now() - 3_600_000;
  let issued = 0;
  const issue = (authority: Authority, key?: Issued['privateKey']) =>
    authority.issue({
      names: [host],
      notBefore: new Date(started + issued++ * 60_000),
      ...(key === undefined ? {} : { key }),
    });

  let current = issue(first);
  const put = (pair: { chain: string; key: string }) => {
    write(join(folder, `${host}.crt`), pair.chain);
    write(join(folder, `${host}.key`), pair.key);
  };
  return [
    { name: 'first certificate', run: () => put(current) },
    { name: 'renewed, new key', run: () => put((current = issue(first))) },
    { name: 'renewed, same key', run: () => put((current = issue(first, current.privateKey))) },
    {
      name: 'new intermediate, same leaf',
      run: () => {
        const renewed = root.intermediate('Demo Intermediate', { key: first.privateKey });
        put({ chain: current.cert + renewed.cert, key: current.key });
      },
    },
    {
      name: 'broken: key of another pair',
      run: () => put({ chain: issue(first).chain, key: current.key }),
      isBroken: true,
    },
  ];
}

/** Writes atomically, like careful tools. */
function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
