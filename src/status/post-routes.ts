import type { IncomingMessage, ServerResponse } from 'node:http';
import { toJson } from '../common/safe-text';
import type { Outcome } from '../model';
import type { PolledEntry, StatusBackend } from './backend';
import { refuse, sendAll, sendText } from './response';

interface PostRequest {
  backend: StatusBackend;
  asked: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
}

/** A command of an operator. */
export type OperatorCommand =
  /** Milliseconds since the epoch; null: until it is removed. */
  | { verb: 'pin'; name: string; until: number | null }
  /** `until`: of the pin that keeps it so. */
  | { verb: 'rollback'; name: string; until: number | null }
  | { verb: 'unpin' | 'approve'; name: string };

/** Commands by their verb; each verb is a path that takes POST. */
const COMMANDS: Readonly<
  Record<OperatorCommand['verb'], (name: string, until: number | null) => OperatorCommand>
> = {
  pin: (name, until) => ({ verb: 'pin', name, until }),
  unpin: (name) => ({ verb: 'unpin', name }),
  approve: (name) => ({ verb: 'approve', name }),
  rollback: (name, until) => ({ verb: 'rollback', name, until }),
};

/** Longest name in a command: a name of DNS has 253 characters. */
const MAX_NAME = 300;
/** Longest wait of `?wait=1`. */
const MAX_WAIT_MS = 10 * 60_000;

/** The paths that take POST, on the unix socket only. */
export const POST_ROUTES: Readonly<Record<string, (asked: PostRequest) => Promise<void>>> = {
  '/poll': poll,
  '/reload': reload,
  ...Object.fromEntries(
    Object.keys(COMMANDS).map((verb) => [
      `/${verb}`,
      (asked: PostRequest) => command(verb as OperatorCommand['verb'], asked),
    ]),
  ),
};

async function poll({ backend, asked, request, response }: PostRequest): Promise<void> {
  const polled = backend.poll();
  if (asked.get('wait') !== '1') {
    polled.catch(() => undefined);
    sendText(response, 202, 'a pass was asked for\n');
    return;
  }
  request.socket.setTimeout(MAX_WAIT_MS);
  const entries = await polled;
  const isGood = entries.every(({ error }) => error === null);
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.statusCode = isGood ? 200 : 502;
  await sendAll(response, `${toJson({ reloaders: entries.map(summary) })}\n`);
}

/** The pass as `/poll?wait=1` shows it: without events, which are in `/status`. */
function summary({ entry, report, error }: PolledEntry) {
  if (report === null) return { entry, error };
  const { cause, durationMs, bundles, inSync, read, refused, unused, events, sourceErrors, unfinished } =
    report;
  const count = (kind: Outcome['kind']) => events.filter(({ outcome }) => outcome.kind === kind).length;
  return {
    entry,
    error,
    cause,
    duration_ms: Math.round(durationMs),
    bundles,
    in_sync: inSync,
    read,
    refused,
    unused,
    swapped: count('swapped'),
    rolled_back: count('rolled_back'),
    failed: count('failed'),
    source_errors: sourceErrors.length,
    unfinished,
  };
}

async function reload({ backend, request, response }: PostRequest): Promise<void> {
  request.socket.setTimeout(MAX_WAIT_MS);
  const error = await backend.reload();
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.statusCode = error === null ? 200 : 422;
  await sendAll(response, `${toJson({ error })}\n`);
}

async function command(
  verb: OperatorCommand['verb'],
  { backend, asked, request, response }: PostRequest,
): Promise<void> {
  const [name, until] = [asked.get('name') ?? '', asked.get('until')];
  const time = until === null ? null : Date.parse(until);
  if (name === '' || name.length > MAX_NAME || Number.isNaN(time)) {
    refuse(response, 400, 'name is a name or an id; until is a time, such as 2026-01-31T12:00:00Z');
    return;
  }
  let answer: { done: string } | { error: string };
  try {
    request.socket.setTimeout(MAX_WAIT_MS);
    answer = { done: await backend.command(COMMANDS[verb](name, time)) };
  } catch (error) {
    answer = { error: (error as Error).message };
  }
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.statusCode = 'error' in answer ? 422 : 200;
  await sendAll(response, `${toJson(answer)}\n`);
}
