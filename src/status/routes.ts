import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toJson } from '../common/safe-text';
import type { Outcome, PassReport } from '../model';
import type { HistoryReport } from '../public';
import { isLocalName } from './listen-address';
import { languageOf } from './page/words/language';
import { unreadiness, type ReportView } from './report-view';
import { refuse, sendAll, sendLong, sendText } from './response';
import { historyJson, statusJson } from './status-json';

/** The part of the process that the server shows and controls. */
export interface StatusBackend {
  view(): ReportView;
  /** Asks every reloader for a pass. */
  poll(): Promise<PolledEntry[]>;
  /**
   * Reads the configuration again.
   * @returns why it is not in use, the former one going on; null: it is
   */
  reload(): Promise<string | null>;
  /**
   * Carries out an operator's command about a name.
   * @returns what was done, in a sentence
   * @throws Error where nothing was done, or it cannot be kept
   */
  command(command: OperatorCommand): string | Promise<string>;
  /**
   * Entries of the history, as recorded.
   * @param since milliseconds since the epoch
   * @param maxLength most characters of all of them
   */
  history(query: { name?: string; since?: number; limit: number; maxLength: number }): Promise<HistoryReport>;
}

/** A command of an operator. */
export type OperatorCommand =
  /** Milliseconds since the epoch; null: until it is removed. */
  | { verb: 'pin'; name: string; until: number | null }
  /** `until`: of the pin that keeps it so. */
  | { verb: 'rollback'; name: string; until: number | null }
  | { verb: 'unpin' | 'approve'; name: string };

/** Result of one entry's pass. */
export interface PolledEntry {
  entry: string;
  /** Null: the pass could not be made. */
  report: PassReport | null;
  error: string | null;
}

/** Where a request arrived. */
export interface Door {
  /** A unix socket, which only Kong's user and group can open. */
  isUnix: boolean;
  /** A TCP listener on a loopback address. */
  isLoopback: boolean;
}

/** Commands by their verb; each verb is a path that takes POST. */
const COMMANDS: Readonly<
  Record<OperatorCommand['verb'], (name: string, until: number | null) => OperatorCommand>
> = {
  pin: (name, until) => ({ verb: 'pin', name, until }),
  unpin: (name) => ({ verb: 'unpin', name }),
  approve: (name) => ({ verb: 'approve', name }),
  rollback: (name, until) => ({ verb: 'rollback', name, until }),
};

const METHODS: Readonly<Record<string, readonly string[]>> = {
  '/': ['GET', 'HEAD'],
  '/status': ['GET', 'HEAD'],
  '/certificates': ['GET', 'HEAD'],
  '/history': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
  '/runbooks/NAME': ['GET', 'HEAD'],
  '/healthz': ['GET', 'HEAD'],
  '/readyz': ['GET', 'HEAD'],
  '/poll': ['POST'],
  '/reload': ['POST'],
  ...Object.fromEntries(Object.keys(COMMANDS).map((verb) => [`/${verb}`, ['POST']])),
};

const RUNBOOKS_AT = '/runbooks/';

/** Most costly answers at the same time; a client that never reads occupies one for a while. */
const MAX_HEAVY = 8;
/** Entries of a history by default, and at most. */
const USUAL_ENTRIES = 200;
const MAX_ENTRIES = 10_000;
/** Most characters of them: usual ones have less than half of it. */
const MAX_HISTORY = 16 * 1024 * 1024;
/** Longest name in a command: a name of DNS has 253 characters. */
const MAX_NAME = 300;
/** Longest wait of `?wait=1`. */
const MAX_WAIT_MS = 10 * 60_000;

/** Answers requests; every request ends, and none throws. */
export class Routes {
  /** Costly answers under way, by listener: clients on the network never keep the socket busy. */
  readonly #heavy = { tcp: 0, unix: 0 };
  /** Simultaneous scrapes share one text. */
  #metrics: Promise<string> | null = null;

  constructor(
    private readonly backend: StatusBackend,
    private readonly now: () => number = Date.now,
  ) {}

  async answer(request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
    const url = `http://status${request.url ?? '/'}`;
    if (!URL.canParse(url)) {
      refuse(response, 400, 'this is no path');
      return;
    }
    const { pathname, searchParams } = new URL(url);
    const method = request.method ?? 'GET';
    if (!door.isUnix && door.isLoopback && !isLocalName(request.headers.host ?? '')) {
      refuse(response, 421, 'this listener is asked by its address or as localhost');
      return;
    }
    const methods = METHODS[pathname.startsWith(RUNBOOKS_AT) ? '/runbooks/NAME' : pathname];
    if (methods === undefined) {
      refuse(response, 404, `there is nothing here; known are ${Object.keys(METHODS).join(', ')}`);
    } else if (!methods.includes(method)) {
      response.setHeader('allow', methods.join(', '));
      refuse(response, 405, `${pathname} takes ${methods.join(' and ')}`);
    } else if (methods[0] === 'POST') {
      if (!door.isUnix) refuse(response, 403, `${pathname} is taken on the unix socket only`);
      else if (pathname === '/poll') await this.poll(request, response, searchParams.get('wait') === '1');
      else if (pathname === '/reload') await this.reload(request, response);
      else await this.command(pathname.slice(1) as OperatorCommand['verb'], searchParams, request, response);
    } else if (pathname === '/history')
      await this.heavy(response, door, () => this.history(searchParams, response));
    else if (pathname === '/certificates')
      await this.heavy(response, door, () => this.list(searchParams, request, response));
    else if (pathname.startsWith(RUNBOOKS_AT)) {
      const name = pathname.slice(RUNBOOKS_AT.length);
      await this.runbook(name, searchParams.get('lang') ?? '', request, response);
    } else await this.show(pathname, request, response, door);
  }

  private async show(
    pathname: string,
    request: IncomingMessage,
    response: ServerResponse,
    door: Door,
  ): Promise<void> {
    switch (pathname) {
      case '/healthz':
        sendText(response, 200, 'ok\n');
        return;
      case '/readyz': {
        const why = unreadiness(this.backend.view(), this.now());
        sendText(response, why === null ? 200 : 503, `${why ?? 'ready'}\n`);
        return;
      }
      case '/':
        await this.page(response);
        return;
      default:
        await this.heavy(response, door, () =>
          pathname === '/metrics' ? this.metrics(response) : this.status(request, response),
        );
    }
  }

  private async page(response: ServerResponse): Promise<void> {
    const { makePage } = await import('./page/index.js');
    const { html, policy } = makePage();
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', policy);
    await sendAll(response, html);
  }

  /** For a browser as a page, for everybody else as it is written; in the language asked for, else in the reader's. */
  private async runbook(
    name: string,
    language: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { findRunbook, runbookNames } = await import('./runbooks/index.js');
    const languages = [language, ...(request.headers['accept-language'] ?? '').split(',')];
    const found = findRunbook(name, languageOf(languages));
    if (found === null) {
      refuse(response, 404, `there is no such runbook; known are ${runbookNames().join(', ')}`);
      return;
    }
    const isBrowser = request.headers.accept?.includes('text/html') === true;
    if (isBrowser) response.setHeader('content-security-policy', found.policy);
    response.setHeader('content-type', `text/${isBrowser ? 'html' : 'markdown'}; charset=utf-8`);
    await sendAll(response, isBrowser ? found.html : found.markdown);
  }

  private async heavy(response: ServerResponse, { isUnix }: Door, work: () => Promise<void>): Promise<void> {
    const door = isUnix ? 'unix' : 'tcp';
    if (this.#heavy[door] >= MAX_HEAVY) {
      response.setHeader('retry-after', '1');
      refuse(response, 503, 'too many are asking at the same time');
      return;
    }
    this.#heavy[door] += 1;
    try {
      await work();
    } finally {
      this.#heavy[door] -= 1;
    }
  }

  private async list(
    asked: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const view = this.backend.view();
    if (this.isKnown(view, request, response, asked.toString())) return;
    const { listReport, parseListQuery } = await import('./list.js');
    const report = await listReport(view, parseListQuery(asked));
    response.setHeader('content-type', 'application/json; charset=utf-8');
    await sendAll(response, `${toJson(report)}\n`);
  }

  /** Answers 304 where the client has this status already. */
  private isKnown(view: ReportView, request: IncomingMessage, response: ServerResponse, asked = ''): boolean {
    const tag = this.tag(view, asked);
    response.setHeader('etag', tag);
    if (request.headers['if-none-match'] !== tag) return false;
    response.writeHead(304).end();
    return true;
  }

  private async status(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const view = this.backend.view();
    if (this.isKnown(view, request, response)) return;
    response.setHeader('content-type', 'application/json; charset=utf-8');
    await sendLong(response, statusJson(view));
  }

  /** Days left and overdue renewals change with time alone: after a minute it is another status. */
  private tag(
    { started_at: startedAt, kong, waiting, configuration_error: error, reloaders }: ReportView,
    asked: string,
  ): string {
    const parts = reloaders.map(({ entry, revision }) => `${entry}:${revision}`);
    const minute = Math.floor(this.now() / 60_000);
    const text = [startedAt, kong?.admin_url, waiting, error, minute, asked, ...parts].join('|');
    return `W/"${createHash('sha256').update(text).digest('base64url')}"`;
  }

  private async metrics(response: ServerResponse): Promise<void> {
    this.#metrics ??= this.renderMetrics().finally(() => {
      this.#metrics = null;
    });
    const text = await this.#metrics;
    response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    await sendAll(response, text);
  }

  private async renderMetrics(): Promise<string> {
    // Loaded by the first scrape: a gateway without scrapes saves the memory.
    const { renderMetrics } = await import('./metrics.js');
    return renderMetrics(this.backend.view());
  }

  private async history(asked: URLSearchParams, response: ServerResponse): Promise<void> {
    const [name, since] = [asked.get('name'), asked.get('since')];
    const limit = Number(asked.get('limit') ?? USUAL_ENTRIES);
    if ((since !== null && Number.isNaN(Date.parse(since))) || !(limit >= 1)) {
      refuse(response, 400, 'since is a time, such as 2026-01-31T12:00:00Z; limit is a number');
      return;
    }
    const report = await this.backend.history({
      limit: Math.min(Math.floor(limit), MAX_ENTRIES),
      maxLength: MAX_HISTORY,
      ...(name === null ? {} : { name }),
      ...(since === null ? {} : { since: Date.parse(since) }),
    });
    response.setHeader('content-type', 'application/json; charset=utf-8');
    await sendLong(response, historyJson(report));
  }

  private async reload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.socket.setTimeout(MAX_WAIT_MS);
    const error = await this.backend.reload();
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.statusCode = error === null ? 200 : 422;
    await sendAll(response, `${toJson({ error })}\n`);
  }

  private async command(
    verb: OperatorCommand['verb'],
    asked: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
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
      answer = { done: await this.backend.command(COMMANDS[verb](name, time)) };
    } catch (error) {
      answer = { error: (error as Error).message };
    }
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.statusCode = 'error' in answer ? 422 : 200;
    await sendAll(response, `${toJson(answer)}\n`);
  }

  private async poll(request: IncomingMessage, response: ServerResponse, isWaited: boolean): Promise<void> {
    const polled = this.backend.poll();
    if (!isWaited) {
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
