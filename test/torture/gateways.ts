import { standIn } from '../integration/stand-in';
import { realKong } from '../live/kong';
import { settingsOf } from '../live/settings';
import type { KongMode, StartKong } from '../scenarios/kong';
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

/** How to start the gateways that were asked for, and what to allow them. */
export function gatewaysOf({ mode, kong, pg }: { mode?: string; kong?: string; pg?: string }): {
  startKong: StartKong;
  worlds: WorldOptions[];
} {
  if (mode !== undefined && mode !== 'database' && mode !== 'dbless')
    throw new Error(`--mode: ${mode} is neither database nor dbless`);
  const wanted: KongMode[] = mode === undefined ? ['database', 'dbless'] : [mode];
  const modes = wanted.filter((one) => one === 'dbless' || kong === undefined || pg !== undefined);
  return {
    startKong: kong === undefined ? standIn : realKong(settingsOf(kong, pg)),
    worlds: modes.map((one) => ({ mode: one, lagMs: kong === undefined ? 0 : REAL_LAG_MS })),
  };
}
