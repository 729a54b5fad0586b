import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import type { EditJob, EditMessage, TextsAnswer } from './edit-worker';
import { editCertificates } from './file-certificates';

/* Entry point of the thread of `edit-worker`; the build inlines it as a text. */

const say = (message: EditMessage) => parentPort?.postMessage(message);

async function textsOf(id: string): Promise<TextsAnswer> {
  if (parentPort === null) return null;
  const answered = once(parentPort, 'message');
  say({ asks: id });
  const [texts] = (await answered) as [TextsAnswer];
  return texts;
}

parentPort?.once('message', ({ text, certificates }: EditJob) => {
  editCertificates(text, certificates, textsOf).then(
    (edited) => say({ edited }),
    (error: unknown) => say({ error: (error as Error).message }),
  );
});
