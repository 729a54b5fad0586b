import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StatusBackend } from './backend';
import { isLocalName } from './listen-address';
import { POST_ROUTES } from './post-routes';
import { languageOf } from './page/words/language';
import { unreadiness, type ReportView } from './report-view';
import { refuse, sendAll, sendLong, sendText } from './response';
import { historyJson, listJson, statusJson } from './status-json';

/** Where a request arrived. */
export interface Door {
  /** A unix socket, which only Kong's user and group can open. */
  isUnix: boolean;
  /** A TCP listener on a loopback address. */
  isLoopback: boolean;
}

const METHODS: Readonly<Record<string, readonly string[]>> = {
  '/': ['GET', 'HEAD'],
  '/status': ['GET', 'HEAD'],
  '/certificates': ['GET', 'HEAD'],
  '/history': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
  '/runbooks/NAME': ['GET', 'HEAD'],
  '/healthz': ['GET', 'HEAD'],
  '/readyz': ['GET', 'HEAD'],
  ...Object.fromEntries(Object.keys(POST_ROUTES).map((path) => [path, ['POST']])),
};

const RUNBOOKS_AT = '/runbooks/';

/** Most costly answers at the same time; a client that never reads occupies one for a while. */
const MAX_HEAVY = 8;
/** Entries of a history by default, and at most. */
const USUAL_ENTRIES = 200;
const MAX_ENTRIES = 10_000;
/** Most characters of them: usual ones have less than half of it. */
const MAX_HISTORY = 16 * 1024 * 1024;

/** Answers requests; every request ends, and none throws. */
export class Routes {
  /** Costly answers under way, by listener: clients on the network never keep the socket busy. */
  readonly #heavy = { tcp: 0, unix: 0 };
  /** Simultaneous scrapes share one text. */
  #metrics: Promise<string> | null = null;

  constructor(private readonly backend: StatusBackend) {}

  async answer(request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
    const url = `http://status${request.url ?? '/'}`;
    if (!URL.canParse(url)) {
      refuse(response, 400, 'this is not a valid path');
      return;
    }
    const { pathname, searchParams } = new URL(url);
    const method = request.method ?? 'GET';
    if (!door.isUnix && door.isLoopback && !isLocalName(request.headers.host ?? '')) {
      refuse(response, 421, 'use the address of this listener, or localhost, as the host');
      return;
    }
    const methods = METHODS[pathname.startsWith(RUNBOOKS_AT) ? '/runbooks/NAME' : pathname];
    if (methods === undefined) {
      refuse(response, 404, `not found; there are ${Object.keys(METHODS).join(', ')}`);
    } else if (!methods.includes(method)) {
      response.setHeader('allow', methods.join(', '));
      refuse(response, 405, `${pathname} takes ${methods.join(' and ')}`);
    } else if (methods[0] === 'POST') {
      if (!door.isUnix) refuse(response, 403, `${pathname} is accepted on the unix socket only`);
      else await POST_ROUTES[pathname]?.({ backend: this.backend, asked: searchParams, request, response });
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
        const why = unreadiness(this.backend.view(), Date.now());
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
      refuse(response, 404, `there is no such runbook; there are ${runbookNames().join(', ')}`);
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
      refuse(response, 503, 'too many requests at the same time');
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
    await sendLong(response, listJson(report));
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
    const minute = Math.floor(Date.now() / 60_000);
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
}
