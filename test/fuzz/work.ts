import crypto from 'node:crypto';
import { Session } from 'node:inspector/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Work that was really done, counted by V8 and at the doors to OpenSSL; the same on every machine. */
export interface Work {
  /** Blocks of our own code that ran; about 10 ns each. */
  steps: number;
  /** Blocks of a digest or cipher, or what takes OpenSSL as long: about 500 ns each. */
  native: number;
  /** Octets of buffers that were made. */
  octets: number;
}

type Callable = (...given: unknown[]) => unknown;

/** Counts in this thread, from its creation on. */
export class WorkCounter {
  readonly #session = new Session();
  readonly #undo: (() => void)[] = [];
  #native = 0;
  #octets = 0;

  static async start(): Promise<WorkCounter> {
    const counter = new WorkCounter();
    await counter.#start();
    return counter;
  }

  async #start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    const blocks = (data: unknown) => 1 + sizeOf(data) / 64;
    this.#count(crypto, 'hash', (_, data) => blocks(data));
    this.#count(crypto, 'pbkdf2Sync', (_password, _salt, iterations) => 2 * Number(iterations));
    this.#count(crypto, 'scryptSync', (_password, _salt, _length, options) => {
      const { N, r, p } = options as { N: number; r: number; p: number };
      return 4 * N * r * p;
    });
    this.#count(crypto, 'createPrivateKey', (key) => 500 + 4 * sizeOf(key));
    const streams = [
      crypto.createHash('sha1'),
      crypto.createHmac('sha1', ''),
      crypto.createDecipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16)),
    ];
    for (const stream of streams) this.#count(Object.getPrototypeOf(stream) as object, 'update', blocks);
    this.#count(crypto.X509Certificate.prototype, 'verify', () => 500);
    this.#count(crypto.X509Certificate.prototype, 'checkPrivateKey', () => 500);
    this.#count(Buffer, 'concat', () => 0, true);
    this.#count(Buffer, 'alloc', () => 0, true);
    this.#count(Buffer, 'from', () => 0, true);
    syncBuiltinESMExports();
    await this.take();
  }

  /** Since it was last taken. */
  async take(): Promise<Work> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    let steps = 0;
    for (const { url, functions } of result) {
      if (!/\/src\/(certificates|model)\//.test(url)) continue;
      for (const { ranges } of functions) for (const { count } of ranges) steps += count;
    }
    const work = { steps, native: Math.round(this.#native), octets: this.#octets };
    this.#native = 0;
    this.#octets = 0;
    return work;
  }

  stop(): void {
    for (const undo of this.#undo) undo();
    syncBuiltinESMExports();
    this.#session.disconnect();
  }

  /** @param price in blocks @param makesBuffer the length of the result is counted, too */
  #count(owner: object, name: string, price: (...given: unknown[]) => number, makesBuffer = false): void {
    const methods = owner as Record<string, Callable>;
    const original = methods[name] as Callable;
    const charge = (given: unknown[]) => (this.#native += price(...given));
    const add = (octets: number) => (this.#octets += octets);
    methods[name] = function (this: unknown, ...given) {
      charge(given);
      const result = Reflect.apply(original, this, given);
      if (makesBuffer) add((result as Buffer).length);
      return result;
    };
    this.#undo.push(() => (methods[name] = original));
  }
}

function sizeOf(data: unknown): number {
  if (typeof data === 'string' || data instanceof Uint8Array) return data.length;
  const { key } = (data ?? {}) as { key?: unknown };
  return key === undefined ? 0 : sizeOf(key);
}
