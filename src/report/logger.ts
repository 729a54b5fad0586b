import type { Fields, Level } from '../model';
import { toJson } from '../common/safe-text';

export interface Logger {
  log(level: Level, message: string, fields?: Fields): void;
}

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Logs one JSON object a line. */
export class JsonLogger implements Logger {
  constructor(
    private readonly write: (line: string, level: Level) => void,
    private readonly least: Level = 'info',
  ) {}

  log(level: Level, message: string, fields: Fields = {}): void {
    if (RANK[level] < RANK[this.least]) return;
    const line = toJson({ time: new Date().toISOString(), level, message, ...fields });
    this.write(`${line}\n`, level);
  }
}
