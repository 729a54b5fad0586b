import type { Alert } from '../alert';

export interface Context {
  /** Which gateway tells it: a host's name. */
  instance: string;
  entry: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** How a receiver wants to be told. */
export interface Format {
  /** How many alerts one request holds at most. */
  readonly batchSize: number;
  /** What lasts is told again after so long, whatever the settings say; null: as the settings say. */
  readonly refreshMs: number | null;
  /** Where requests go, for the address that is configured. */
  address(webhook: URL): URL;
  /** The body of one request; null: there is nothing in it for this receiver. */
  body(alerts: readonly Alert[], context: Context): unknown;
}

/** Where the runbook of an alert stands, in the project. */
export const runbookOf = (name: string) => `docs/runbooks/${name}.md`;

/** A trouble that only became another one is no news to people. */
export const toPeople = (alerts: readonly Alert[]) => alerts.filter(({ isReplaced }) => !isReplaced);
