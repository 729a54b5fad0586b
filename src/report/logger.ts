/** Fields of a log line; snake_case names, values that JSON can hold. */
export type Fields = Record<string, unknown>;

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  log(level: Level, message: string, fields?: Fields): void;
}

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Whatever else goes wrong, no private key leaves the process: not even cut off in the middle. */
const SECRETS =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^]*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|$)|[A-Za-z0-9+/=\s]{16,}-----END [A-Z0-9 ]*PRIVATE KEY-----/g;

export function redact(text: string): string {
  return text.replace(SECRETS, '[private key removed]');
}

/** One JSON object a line. */
export class JsonLogger implements Logger {
  constructor(
    private readonly write: (line: string) => void,
    private readonly least: Level = 'info',
  ) {}

  log(level: Level, message: string, fields: Fields = {}): void {
    if (RANK[level] < RANK[this.least]) return;
    const line = JSON.stringify(
      { time: new Date().toISOString(), level, message, ...fields },
      (_, value: unknown) => (typeof value === 'string' ? redact(value) : value),
    );
    this.write(`${line}\n`);
  }
}

/** Lines to stderr: stdout belongs to the query command. */
export function stderrLogger(least: Level = 'info'): Logger {
  return new JsonLogger((line) => process.stderr.write(line), least);
}
