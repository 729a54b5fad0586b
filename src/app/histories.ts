import { stateFolder } from '../gateway';
import { History, historyPath, readHistory, type HistoryQuery } from '../history';
import type { HistoryReport } from '../public';
import type { Logger } from '../report';
import type { Config } from './config';
import type { Connection } from './connection';

const MEGABYTE = 1_048_576;

type Place = { path: string; maxBytes: number };

/** Where an entry's history is kept; null: nowhere, since it is turned off or Kong's prefix is not on this machine. */
export function historyPlace({ history }: Config, kong: Pick<Connection, 'facts' | 'prefix'>): Place | null {
  const path = history.file ?? (kong.facts() === null ? null : historyPath(stateFolder(kong.prefix)));
  return path === null || history.max_mb === 0 ? null : { path, maxBytes: history.max_mb * MEGABYTE };
}

/** Opens the history of an entry; its troubles go to the log. */
export const openHistory = (entry: string, place: Place, logger: Logger): History =>
  new History({
    entry,
    ...place,
    say: (what, fields) => {
      if (what === 'trouble') logger.log('error', 'the history cannot be written', { entry, ...fields });
      else logger.log('warn', 'the history is written again', { entry, ...fields });
    },
  });

/** The histories of the entries of one process; each outlives the reloaders that run for its entry. */
export class Histories {
  readonly #open = new Map<string, { history: History; place: Place }>();

  constructor(private readonly logger: Logger) {}

  /** The history of an entry as it is configured now; null: it is turned off. */
  async of(entry: string, config: Config, kong: Connection): Promise<History | null> {
    const place = historyPlace(config, kong);
    const known = this.#open.get(entry);
    if (known !== undefined && JSON.stringify(known.place) === JSON.stringify(place)) return known.history;
    await this.forget(entry);
    if (place === null) return null;
    const history = openHistory(entry, place, this.logger);
    this.#open.set(entry, { history, place });
    return history;
  }

  /** The open history of an entry; null: there is none. */
  get(entry: string): History | null {
    return this.#open.get(entry)?.history ?? null;
  }

  async forget(entry: string): Promise<void> {
    const known = this.#open.get(entry);
    this.#open.delete(entry);
    await known?.history.close();
  }

  read(query: HistoryQuery): Promise<HistoryReport> {
    return readHistory(
      [...this.#open.values()].map(({ place }) => place.path),
      query,
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((entry) => this.forget(entry)));
  }
}
