import { dirname } from 'node:path';
import { printable } from '../../common/printable';
import { statOf } from '../../common/stamp';

/** Most names in one warning; of thousands of files the first few show which folder it is. */
const MAX_NAMED = 3;

/** Collects key files that every user of the machine can read, each once. */
export class OpenKeyFiles {
  readonly #known = new Set<string>();
  #count = 0;
  #first: string[] = [];

  note(path: string): void {
    if (this.#known.has(path)) return;
    this.#known.add(path);
    this.#count += 1;
    if (this.#first.length < MAX_NAMED) this.#first.push(path);
  }

  /** Sentences about the files since the last call. */
  take(): string[] {
    const [count, named] = [this.#count, this.#first];
    const [path] = named;
    if (path === undefined) return [];
    this.#count = 0;
    this.#first = [];
    const more = count > named.length ? ` and ${count - named.length} more` : '';
    const verb = count === 1 ? 'holds a private key and can' : 'hold private keys and can';
    return [
      `${named.map(printable).join(', ')}${more} ${verb} be read by everyone (mode o+r): ${advice(path)}`,
    ];
  }
}

/** Volumes of Secrets are mounted with mode 0644 by default. */
function advice(path: string): string {
  return statOf(`${dirname(path)}/..data`) === null
    ? "mode 0640 with the group of Kong's user is enough"
    : 'set defaultMode: 0440 on the volume and fsGroup on the pod; where only Kong runs in the pod, that is a precaution';
}

/** Whether a text contains a private key without a password. */
export const hasOpenKey = (text: string): boolean =>
  text.includes('PRIVATE KEY-----') && !text.includes('ENCRYPTED');
