import { join } from 'node:path';
import { PLUGIN_NAME, VERSION } from '../common/product';
import { findState, stateFolder } from '../gateway';
import type { HistoryQuery } from '../history';
import type { HistoryReport, StatusReport } from '../public';
import type { Logger } from '../report';
import {
  StatusServer,
  type OperatorCommand,
  toReport,
  type PolledEntry,
  type ReloaderView,
  type ReportView,
} from '../status';
import type { Connection } from './connection';
import type { Reloader } from './reloader';

const STATUS_SOCKET = `${PLUGIN_NAME}-status.socket`;

/** The unix socket on which the status of a running process is shown. */
export const findStatusSocket = (prefix: string) => findState(prefix, STATUS_SOCKET);

interface StatusHostOptions {
  /** Kong's prefix, where the unix socket is. */
  prefix: string;
  logger: Logger;
  /** The Kong whose Admin API answers; null: none answers. */
  kong: () => Pick<Connection, 'gateway'> | null;
  /** Why nothing runs, for a person; null: something runs. */
  waiting: () => string | null;
  /** The running reloaders by entry. */
  reloaders: () => Iterable<readonly [entry: string, reloader: Reloader]>;
  /** The views of every known entry. */
  views: () => readonly ReloaderView[];
  /** Entries of the history, in the order in which they were recorded. */
  history: (query: HistoryQuery) => Promise<HistoryReport>;
  /** Why a newer configuration is not in use; null: the newest one is. */
  configurationError: () => string | null;
  /**
   * @returns what was done, in a sentence
   * @throws Error where nothing was done
   */
  command: (command: OperatorCommand) => string | Promise<string>;
  /**
   * Reads the configuration again.
   * @returns why it is not in use; null: it is
   */
  reload: () => Promise<string | null>;
}

/** Shows the reloaders of one process, on the unix socket and at the addresses of their configurations. */
export class StatusHost {
  readonly #server: StatusServer;
  readonly #startedAt = new Date().toISOString();
  readonly #requests = new Map<string, number>();
  #listening: Promise<void> = Promise.resolve();

  constructor(private readonly options: StatusHostOptions) {
    this.#server = new StatusServer({
      backend: {
        view: () => this.view(),
        poll: () => this.poll(),
        history: options.history,
        reload: options.reload,
        command: options.command,
      },
      say: (level, message, fields) => options.logger.log(level, message, fields),
    });
  }

  /** Counts an exchange with the Admin API. */
  readonly onExchange = (method: string, code: number): void => {
    const key = `${method} ${code}`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
  };

  /** The addresses it listens on besides the unix socket. */
  get addresses(): string[] {
    return this.#server.addresses;
  }

  /**
   * Opens and closes listeners so that they match `addresses`; to be called now and then, since a port may be in
   * use. Never throws.
   */
  listen(addresses: readonly string[]): Promise<void> {
    this.#listening = this.#listening.then(async () => {
      await this.#server.listenOnSocket(join(stateFolder(this.options.prefix), STATUS_SOCKET));
      await this.#server.setAddresses(addresses);
    });
    return this.#listening;
  }

  async close(): Promise<void> {
    await this.#listening;
    await this.#server.close();
  }

  view(): ReportView {
    const kong = this.options.kong();
    const error = this.options.configurationError();
    return {
      version: VERSION,
      generated_at: new Date().toISOString(),
      started_at: this.#startedAt,
      kong: kong === null ? null : { admin_url: kong.gateway.url, mode: kong.gateway.kind },
      waiting: this.options.waiting(),
      ...(error === null ? {} : { configuration_error: error }),
      reloaders: this.options.views(),
      adminRequests: this.#requests,
    };
  }

  status(): StatusReport {
    return toReport(this.view());
  }

  private poll(): Promise<PolledEntry[]> {
    return Promise.all(
      [...this.options.reloaders()].map(async ([entry, reloader]) => {
        try {
          return { entry, report: await reloader.demand('command'), error: null };
        } catch (error) {
          return { entry, report: null, error: (error as Error).message };
        }
      }),
    );
  }
}
