import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, type Issued, type IssueOptions } from '../../src/authority/authority';
import { leafOf } from '../support/tls';
import type { Version } from './judge';

const DAY_MS = 86_400_000;

/** A folder of pairs that are renewed, and the memory of every certificate that was ever issued for a name. */
export class Supply {
  readonly names: string[];
  readonly folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-torture-'));
  readonly versions: Version[] = [];
  /** A line of each private key: none of them may be written anywhere. */
  readonly secrets: string[] = [];
  readonly #authority = Authority.root('Torture Root').intermediate('Torture Intermediate');
  readonly #newest = new Map<string, Version>();

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, index) => `site-${index}.torture.test`);
  }

  /**
   * A new pair, which counts as the newest of its name from now on, unless it has a flaw.
   * @param more for what a flaw looks like
   */
  issue(name: string, flaw?: Version['flaw'], more: Partial<IssueOptions> = {}): Issued {
    const number = this.versions.length + 1;
    const notBefore = new Date(Date.now() - 10 * DAY_MS + number * 10);
    const pair = this.#authority.issue({ names: [name], notBefore, ...more });
    const version: Version = { name, fingerprint: leafOf(pair.cert), number };
    if (flaw === undefined) this.#newest.set(name, version);
    else version.flaw = flaw;
    this.versions.push(version);
    this.secrets.push(pair.key.trim().split('\n').at(-2) ?? '');
    return pair;
  }

  /** New pairs in the folder for these names, each file whole, the key first. */
  renew(names: readonly string[] = this.names): Issued[] {
    return names.map((name) => {
      const pair = this.issue(name);
      this.put(name, 'key', pair.key);
      this.put(name, 'crt', pair.chain);
      return pair;
    });
  }

  path(name: string, file: 'crt' | 'key'): string {
    return join(this.folder, `${name}.${file}`);
  }

  put(name: string, file: 'crt' | 'key', text: string): void {
    const path = this.path(name, file);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** @throws Error where none was issued */
  newest(name: string): Version {
    const version = this.#newest.get(name);
    if (version === undefined) throw new Error(`there is no certificate for ${name}`);
    return version;
  }

  /** @returns 0 for one that was not issued here */
  numberOf({ cert }: { cert: string }): number {
    const fingerprint = leafOf(cert);
    return this.versions.find((version) => version.fingerprint === fingerprint)?.number ?? 0;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
