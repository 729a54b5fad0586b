import { parentPort } from 'node:worker_threads';
import { parseFile } from './parse';
import type { ParseAnswer, ParseJob } from './parse-worker';
import { FormatProblem } from './parsed-file';

/* Entry point of the thread of `parse-worker`; the build inlines it as a text. */

function answerTo({ bytes, format, isBase64, password, alias }: ParseJob): ParseAnswer {
  try {
    const file = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), format, isBase64 };
    return parseFile(file, { password, alias });
  } catch (error) {
    return error instanceof FormatProblem ? { reason: error.reason, message: error.message } : null;
  }
}

parentPort?.on('message', (job: ParseJob) => parentPort?.postMessage(answerTo(job)));
