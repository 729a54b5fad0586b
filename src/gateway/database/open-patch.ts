import type { AdminClient, AdminResponse } from '../admin/client';

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

  constructor(client: AdminClient, path: string, fields: object) {
    this.#body = JSON.stringify(fields);
    const decided = new Promise<void>((resolve) => (this.#sendBody = resolve));
    const body = Buffer.from(this.#body);
    this.#answer = client.request('PATCH', path, body, this.#aborted.signal, 1, decided);
    this.#answer.catch(() => (this.#isOver = true));
  }

  /** @returns the answer; null: it is over, or about other fields, and nothing of it was written */
  send(fields: object): Promise<AdminResponse> | null {
    if (this.#isOver || JSON.stringify(fields) !== this.#body) {
      this.close();
      return null;
    }
    this.#isOver = true;
    this.#sendBody();
    return this.#answer;
  }

  /** Gives it up unless it was sent. */
  close(): void {
    if (!this.#isOver) this.#aborted.abort();
    this.#isOver = true;
  }
}
