import type { PassReport } from '../model';
import type { HistoryReport } from '../public';
import type { OperatorCommand } from './post-routes';
import type { ReportView } from './report-view';

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

/** Result of one entry's pass. */
export interface PolledEntry {
  entry: string;
  /** Null: the pass could not be made. */
  report: PassReport | null;
  error: string | null;
}
