import { Worker } from 'node:worker_threads';
import workerSource from './parse-worker-thread?worker';
import type { DetectedFile } from './detect';
import { FormatProblem, type ParsedFile, type Unlock } from './parsed-file';
import { parseFile } from './parse';
import type { Reason } from '../../model';

/** Far beyond the limits of work, even on a busy machine: only a bug of ours gets there. */
const TIMEOUT_MS = 60_000;

/** The thread, which takes 8 MB, is kept this long after a file: keystores come in batches. */
const IDLE_MS = 2_000;

const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** Message to the thread. */
export interface ParseJob {
  bytes: Uint8Array;
  format: DetectedFile['format'];
  isBase64: boolean;
  password: string | undefined;
  alias: string | undefined;
}

/** Answer of the thread; null: the file is damaged. */
export type ParseAnswer =
  { certificates: readonly Uint8Array[]; key: string | null } | { reason: Reason; message: string } | null;

let worker: Worker | null = null;
let idle: NodeJS.Timeout | null = null;
/** Settles after the latest file: files are parsed one after the other. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Parses a file outside of the event loop: decryption may take a second, and hostile files may find other ways to
 * take time. The thread starts with the first such file and ends after the last.
 * @throws FormatProblem, RangeError where it is damaged
 */
export function parseInWorker(file: DetectedFile, unlock: Unlock): Promise<ParsedFile> {
  const result = last.then(() => parseNow(file, unlock));
  // The chained promise drops the value: it holds a private key.
  last = result.then(
    () => undefined,
    () => undefined,
  );
  return result;
}

async function parseNow(file: DetectedFile, unlock: Unlock): Promise<ParsedFile> {
  if (idle !== null) clearTimeout(idle);
  let answer: ParseAnswer;
  try {
    worker ??= start();
    answer = await ask(worker, { ...file, ...unlock });
  } catch (error) {
    if (error instanceof FormatProblem) throw error;
    // No thread can be started, for lack of memory for example. The limits of work hold here as well.
    return parseFile(file, unlock);
  }
  if (answer === null) throw new RangeError('damaged');
  if ('reason' in answer) throw new FormatProblem(answer.reason, answer.message);
  const certificates = answer.certificates.map((der) => Buffer.from(der.buffer, der.byteOffset, der.length));
  return { certificates, key: answer.key };
}

/** A separate function: a timer keeps alive all that its closure can see, and `ask` holds a key. */
function endWorker(): void {
  idle = null;
  void worker?.terminate();
  // Ending takes a moment; the next file gets a new thread.
  worker = null;
}

function start(): Worker {
  // The source is a text in the bundle, so no file has to be found at run time.
  const started = new Worker(workerSource, { eval: true, resourceLimits: LIMITS, env: {}, execArgv: [] });
  started.unref();
  // An error between two files: the next file starts another thread.
  started.on('error', () => undefined);
  started.on('exit', () => {
    if (worker === started) worker = null;
  });
  return started;
}

const tooLarge = (what: string) => new FormatProblem('too_large', `reading it takes more ${what}`);

/** @throws Error where the thread ends without an answer */
function ask(thread: Worker, job: ParseJob): Promise<ParseAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      worker = null;
      void thread.terminate();
      settle();
      reject(error);
    };
    const onMessage = (answer: ParseAnswer) => {
      settle();
      resolve(answer);
    };
    const onError = (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge('memory than a certificate may') : error);
    const onExit = () => fail(new Error('the thread that parses files ended'));
    const late = () => fail(tooLarge(`than ${TIMEOUT_MS / 1000} s`));
    // After a process was frozen its timers fire before the answers that wait; hence a second, short one.
    let timeout = setTimeout(() => (timeout = setTimeout(late, 1_000)), TIMEOUT_MS);
    const settle = () => {
      clearTimeout(timeout);
      thread.off('message', onMessage).off('exit', onExit).off('error', onError);
      thread.unref();
      idle = setTimeout(endWorker, IDLE_MS).unref();
    };
    thread.on('message', onMessage).on('exit', onExit).on('error', onError);
    thread.ref();
    thread.postMessage(job);
  });
}
