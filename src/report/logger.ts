import type { Fields, Level } from '../model';
import { redacting } from '../common/redact';

export interface Logger {
  log(level: Level, message: string, fields?: Fields): void;
}

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One JSON object a line. */
export class JsonLogger implements Logger {
  constructor(
    private readonly write: (line: string) => void,
    private readonly least: Level = 'info',
  ) {}

  log(level: Level, message: string, fields: Fields = {}): void {
    if (RANK[level] < RANK[this.least]) return;
    const line = JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }, redacting);
    this.write(`${line}\n`);
  }
}
