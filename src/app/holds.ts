import { join } from 'node:path';
import { PLUGIN_NAME } from '../common/product';
import { stateFolder } from '../gateway';
import { Holds } from '../holds';
import type { Config } from './config';
import type { Connection } from './connection';

/**
 * What holds changes of an entry back; pins and approvals are those of the Kong.
 * @throws Error where a freeze cannot be understood
 */
export const holdsOf = (config: Config, kong: Pick<Connection, 'facts' | 'prefix'>): Holds =>
  new Holds({
    freeze: config.freeze,
    needsApproval: config.mode === 'approve',
    path: kong.facts() === null ? null : join(stateFolder(kong.prefix), `${PLUGIN_NAME}.holds`),
  });
