import { execFileSync, spawnSync } from 'node:child_process';

/** Whether a command exists and exits with 0. */
export const works = (command: string, args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Why tests with a tool of somebody else's are skipped, for their names; null: it is there. */
export const missing = {
  openssl: works('openssl', ['version']) ? null : 'there is no openssl',
  /** RC2 and other old ciphers. */
  legacy: works('openssl', ['list', '-providers', '-provider', 'legacy'])
    ? null
    : 'there is no openssl with its legacy provider',
  keytool: works('keytool', ['-help']) ? null : 'there is no keytool (Java)',
} as const;

/** @throws Error with what the tool said */
export function run(command: string, args: readonly string[], input?: string | Buffer): Buffer {
  return execFileSync(command, args, { input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 16 << 20 });
}
