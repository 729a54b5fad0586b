import { Worker } from 'node:worker_threads';
import threadSource from './edit-thread?worker';
import type { CertificateTexts } from '../model';
import type { EditedFile, FileCertificate, ReadTexts } from './file-certificates';

/** The thread ends when it says nothing for this long: 10,000 certificates take a few seconds. */
const SILENCE_MS = 60_000;
/** Memory of the thread: so much, and a multiple of the text. */
const LEAST_MB = 64;
const MB_PER_MB = 8;

/** The first message to the thread. */
export interface EditJob {
  text: string;
  certificates: readonly FileCertificate[];
}

/** Further messages to it: what it asked for. */
export type TextsAnswer = CertificateTexts | null;

export type EditMessage =
  /** It needs the texts of the certificate with this id. */
  { asks: string } | { edited: EditedFile } | { error: string };

/**
 * Edits a declarative file's text outside of the event loop: a large one takes seconds, and one that was made for it
 * takes minutes. The thread ends with it: it holds private keys.
 * @throws Error where the text cannot be edited, or only with too much work, and that of `textsOf`
 */
export function editInThread(
  text: string,
  certificates: readonly FileCertificate[],
  textsOf: ReadTexts,
): Promise<EditedFile> {
  const maxOldGenerationSizeMb = LEAST_MB + Math.ceil((MB_PER_MB * text.length) / 1_048_576);
  const thread = new Worker(threadSource, {
    eval: true,
    resourceLimits: { maxOldGenerationSizeMb },
    env: {},
    execArgv: [],
  });
  return new Promise<EditedFile>((resolve, reject) => {
    let silence: NodeJS.Timeout | undefined;
    const listen = () => {
      silence = setTimeout(
        () => give(new Error(`editing it takes more than ${SILENCE_MS / 1000} s`)),
        SILENCE_MS,
      ).unref();
    };
    const give = (error: Error) => {
      clearTimeout(silence);
      reject(error);
    };
    listen();
    thread.on('message', (message: EditMessage) => {
      clearTimeout(silence);
      if ('asks' in message)
        // Kong may take longer to answer than the thread may be silent.
        Promise.resolve(message.asks)
          .then(textsOf)
          .then((texts: TextsAnswer) => {
            listen();
            thread.postMessage(texts);
          }, give);
      else if ('error' in message) give(new Error(message.error));
      else resolve(message.edited);
    });
    thread.on('error', (error: NodeJS.ErrnoException) =>
      give(
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? new Error(`editing it takes more than ${maxOldGenerationSizeMb} MiB of memory`)
          : error,
      ),
    );
    thread.on('exit', () => give(new Error('the thread that edits it ended')));
    const job: EditJob = { text, certificates: certificates.map(toPlain) };
    thread.postMessage(job);
  }).finally(() => thread.terminate());
}

/** Without getters, which no message holds. */
function toPlain({ id, snis, owner, main, alt }: FileCertificate): FileCertificate {
  const half = (one: FileCertificate['main']) =>
    one === null
      ? null
      : { content: one.content, leaf: one.leaf === null ? null : { notBefore: one.leaf.notBefore } };
  return { id, snis, owner, main: half(main), alt: half(alt) };
}
