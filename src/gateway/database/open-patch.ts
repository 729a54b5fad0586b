import type { AdminClient, AdminResponse } from '../admin/client';

/** Most at one time, of all Kongs: the reads that they wait for may need a second request, and so a connection. */
const MOST = 4;
let held = 0;

/**
 * A PATCH whose headers are sent before it is decided whether to make it, since Kong sleeps 2 ms between them and the
 * body. Kong knows where the body ends: unless all of it is sent, nothing is written.
 */
export class OpenPatch {
  readonly #body: string;
  readonly #answer: Promise<AdminResponse>;
  readonly #aborted = new AbortController();
  #sendBody: () => void = () => undefined;
  #isOver = false;

  /** @returns null where there are enough of them */
  static begin(client: AdminClient, path: string, fields: object): OpenPatch | null {
    return held < MOST ? new OpenPatch(client, path, fields) : null;
  }

  private constructor(client: AdminClient, path: string, fields: object) {
    held += 1;
    this.#body = JSON.stringify(fields);
    const decided = new Promise<void>((resolve) => (this.#sendBody = resolve));
    const body = Buffer.from(this.#body);
    this.#answer = client.request('PATCH', path, body, this.#aborted.signal, 1, decided);
    this.#answer.catch(() => this.end());
  }

  /** @returns the answer; null: it is over, or about other fields, and nothing of it was written */
  send(fields: object): Promise<AdminResponse> | null {
    if (this.#isOver || JSON.stringify(fields) !== this.#body) {
      this.close();
      return null;
    }
    this.end();
    this.#sendBody();
    return this.#answer;
  }

  /** Gives it up unless it was sent. */
  close(): void {
    if (this.end()) this.#aborted.abort();
  }

  /** @returns whether its body was still waiting */
  private end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    held -= 1;
    return true;
  }
}
