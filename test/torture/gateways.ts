import { standIn } from '../integration/stand-in';
import { realKong } from '../live/kong';
import { settingsOf } from '../live/settings';
import type { KongMode, StartKong } from '../scenarios/kong';
import { DatabaseProxy } from './database-proxy';
import type { Fault } from './fault';
import { HEARINGS_LINES } from './hearings';
import type { WorldOptions } from './world';

/** Options of the command line that say which Kong is tortured. */
export const GATEWAY_OPTIONS = {
  mode: { type: 'string' },
  kong: { type: 'string' },
  pg: { type: 'string' },
} as const;

export const GATEWAY_HELP = `  --mode   database or dbless; default: both
  --kong   a real Kong instead of the stand-in
  --pg     its PostgreSQL database (postgres://USER:PASSWORD@HOST:PORT/DATABASE), which is emptied; without it
           a real Kong is run without a database alone
`;

/** The workers of a real Kong follow one another. */
const REAL_LAG_MS = 1_000;

/** The requested gateways: a way to start each, and the delay that it may have. */
export async function gatewaysOf({
  mode,
  kong,
  pg,
}: Partial<Record<'mode' | 'kong' | 'pg', string | undefined>>): Promise<{
  startKong: StartKong;
  worlds: WorldOptions[];
  stop: () => Promise<void>;
}> {
  if (mode !== undefined && mode !== 'database' && mode !== 'dbless')
    throw new Error(`--mode: ${mode} is neither database nor dbless`);
  const wanted: KongMode[] = mode === undefined ? ['database', 'dbless'] : [mode];
  if (kong === undefined) {
    const worlds = wanted.map((one) => ({ mode: one }));
    return { startKong: standIn, worlds, stop: () => Promise.resolve() };
  }
  const url = pg === undefined ? null : new URL(pg);
  const database =
    url === null
      ? undefined
      : await DatabaseProxy.start({ host: url.hostname, port: Number(url.port === '' ? 5432 : url.port) });
  if (url !== null && database !== undefined) url.host = `127.0.0.1:${database.port}`;
  const start = realKong(settingsOf(kong, url?.href));
  return {
    startKong: (setup) => start({ ...setup, lines: [...HEARINGS_LINES, ...(setup.lines ?? [])] }),
    worlds: wanted
      .filter((one) => one === 'dbless' || database !== undefined)
      .map((one) => ({ mode: one, lagMs: REAL_LAG_MS, isReal: true, database })),
    stop: async () => database?.stop(),
  };
}

/** Whether a fault applies to this kind of Kong. */
export const isFor = ({ mode, needs }: Fault, world: WorldOptions): boolean =>
  (mode ?? world.mode) === world.mode &&
  (needs === undefined || (needs === 'database' ? hasDatabaseProxy(world) : world.isReal === true));

const hasDatabaseProxy = ({ mode, database }: WorldOptions) => mode === 'database' && database !== undefined;
