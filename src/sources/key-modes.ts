import { dirname } from 'node:path';
import { statOf } from './stamp';

/** Names in one warning; with thousands of files the first few show which folder it is. */
const MAX_NAMED = 3;

/** Collects key files that everybody on the machine can read; each is told of once. */
export class OpenKeyFiles {
  readonly #told = new Set<string>();
  #new: string[] = [];

  note(path: string): void {
    if (this.#told.has(path)) return;
    this.#told.add(path);
    this.#new.push(path);
  }

  /** Sentences for what was noted since the last call. */
  take(): string[] {
    if (this.#new.length === 0) return [];
    const found = this.#new;
    this.#new = [];
    const named = found.slice(0, MAX_NAMED).join(', ');
    const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : '';
    const verb = found.length === 1 ? 'holds a private key and can' : 'hold private keys and can';
    return [`${named}${more} ${verb} be read by everyone (mode o+r): ${advice(found[0] ?? '')}`];
  }
}

/** Volumes of Secrets are mounted with mode 0644 unless told otherwise. */
function advice(path: string): string {
  return statOf(`${dirname(path)}/..data`) === null
    ? "mode 0640 with the group of Kong's user is enough"
    : 'set defaultMode: 0440 on the volume and fsGroup on the pod; where only Kong runs in the pod, that is a precaution';
}

/** Whether a file's text has a private key in it that no password protects. */
export const hasOpenKey = (text: string): boolean =>
  text.includes('PRIVATE KEY-----') && !text.includes('ENCRYPTED');
