/**
 * Every field of a log line with its meaning. The list is closed: one name for one thing, in all lines;
 * docs/logs.md uses the same words. `time`, `level` and `message` are in every line.
 */
export const LOG_FIELDS = {
  time: 'when, in UTC (ISO 8601, milliseconds)',
  level: '`debug`, `info`, `warn` or `error`',
  message: 'what happened; the same words for the same thing, to search for',
  entry: "id of the plugin's entry in Kong",
  cause: 'what started the pass: `start`, `poll`, `watch`, `trigger`, `retry` or `command`',
  source: 'id of a source, e.g. `directory:/etc/letsencrypt/live`',
  bundle: 'id of a bundle: its source and its name there',
  location: 'where the bundle is: a path, `namespace/name` of a Secret, an address without credentials',
  certificate_id: 'id of the certificate in Kong',
  snis: 'names that it is served for, ten at most',
  kept_snis: 'names that a renewal lost: they keep the former certificate until it ends; ten at most',
  fingerprint_sha256: 'of the leaf, as `openssl x509 -fingerprint -sha256` prints it',
  served_fingerprint_sha256: "of the leaf that Kong's listeners showed; null where no handshake succeeded",
  not_after: 'when the leaf expires',
  state: 'of the default certificate: `in_sync`, `reload_pending`, `refused` or `unknown`',
  reason: 'why it is refused, or cannot be read: [a closed list](reasons.md)',
  detail: 'the same in a sentence: what, where, what to do',
  error: 'what went wrong, in a sentence',
  stack: 'where in the program; only with mistakes of the program itself',
  proof:
    '`served`, `wrong`, `another` (something else answers for its names, as before the write), `unreachable`, `overwritten` or `off`',
  proof_detail: 'what the handshakes saw where not all was well',
  proof_ms: 'how long the proof took',
  handshakes: 'how many the proof took',
  bundles: 'how many the sources hold',
  in_sync: 'how many of them Kong has',
  refused: 'how many of them are kept out of Kong',
  unused: 'how many of them match no certificate in Kong',
  duration_ms: 'how long the pass took',
  admin_url: 'the Admin API that is used',
  found_by: 'where the address of the Admin API comes from: a file, an option, or the usual port',
  kong_mode: '`database` or `dbless`',
  mode: '`apply` or `observe`',
  interval_seconds: 'between polls',
  sources: 'how many are configured; 0: the usual places',
  file: 'a file that is written',
  lines: 'how many lines of a file were lost',
  listen: 'address or socket on which the status is shown',
  webhook: 'where alerts go: scheme and host alone',
  alerts: 'how many alerts',
  lease: 'the Lease that says who writes',
  holder: 'who holds it: host name and something random',
} as const;

type LogField = keyof typeof LOG_FIELDS;

/** Fields of a log line; values as in JSON. */
export type Fields = { readonly [Name in Exclude<LogField, 'time' | 'level' | 'message'>]?: unknown };

export type Level = 'debug' | 'info' | 'warn' | 'error';

/** Writes a line; the logger knows the entry that it is about. */
export type Log = (level: Level, message: string, fields?: Fields) => void;
