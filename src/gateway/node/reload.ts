import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readKongEnv, readKongValues } from './kong-env';
import { findMaster } from './processes';
import { stateFolder } from './state-folder';
import { readConfiguredFile } from '../../common/configured-file';
import { replaceFile } from '../../common/replace-file';

/** In the prefix, since the reload ends the process that would remember it. */
const RECORD = 'ssl-cert-reloader.reloads';
const MAX_RECORDS = 100;

/** Reloads a Kong on this machine, as `kong reload` does it: SIGHUP to nginx's master. */
export class KongReload {
  /** @param startsFromFile whether a reload would read the declarative file again */
  constructor(
    private readonly prefix: string,
    private readonly startsFromFile: boolean,
  ) {}

  /** When Kong was reloaded for files with this fingerprint (ISO 8601); null: never. */
  doneFor(fingerprint: string): string | null {
    return this.records()[fingerprint] ?? null;
  }

  /**
   * Sends one signal for all of them, at most once for a fingerprint, which is recorded first.
   * @returns null, or in a sentence why it was not sent
   */
  send(fingerprints: readonly string[]): string | null {
    if (fingerprints.every((one) => this.doneFor(one) !== null)) return 'Kong was reloaded for this already';
    // Checked, since SIGHUP ends most programs.
    const pid = findMaster(this.prefix);
    if (typeof pid === 'string') return pid;
    try {
      process.kill(pid, 0);
      if (this.startsFromFile) this.keepPosted();
      this.remember(fingerprints);
      process.kill(pid, 'SIGHUP');
      return null;
    } catch (error) {
      const { code, path, message } = error as NodeJS.ErrnoException;
      if (code === undefined) return message;
      return path === undefined
        ? `Kong's master (process ${pid}) cannot be signalled (${code}): it belongs to another user; run kong reload`
        : `${path} cannot be written (${code}), so Kong is not reloaded; run kong reload`;
    }
  }

  /**
   * With `declarative_config` in `.kong_env` a reload would read that file again and lose everything posted since.
   * `kong reload` removes the line for that reason; here it is commented out.
   */
  private keepPosted(): void {
    const isWanted = (name: string) => name === 'declarative_config' || name === 'declarative_config_string';
    const values = readKongValues(this.prefix, isWanted);
    if (values.has('declarative_config_string')) {
      throw new Error(
        'Kong is not reloaded: it would read declarative_config_string again and lose what was posted since',
      );
    }
    if (!values.has('declarative_config')) return;
    const path = join(this.prefix, '.kong_env');
    const text = readKongEnv(this.prefix);
    replaceFile(path, text.replace(/^declarative_config = /m, '# $&'), statSync(path));
  }

  private records(): Record<string, string> {
    try {
      const found: unknown = JSON.parse(readConfiguredFile(join(stateFolder(this.prefix), RECORD)));
      const entries = Object.entries(found as Record<string, unknown>);
      return Object.fromEntries(entries.filter((entry): entry is [string, string] => isTime(entry[1])));
    } catch {
      return {};
    }
  }

  private remember(fingerprints: readonly string[]): void {
    const records = Object.entries(this.records()).slice(fingerprints.length - MAX_RECORDS);
    const now = new Date().toISOString();
    const added = fingerprints.map((one): [string, string] => [one, now]);
    const all = Object.fromEntries([...records, ...added]);
    replaceFile(join(stateFolder(this.prefix), RECORD), `${JSON.stringify(all)}\n`, null);
  }
}

const isTime = (value: unknown) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
