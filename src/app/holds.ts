import { join } from 'node:path';
import { PLUGIN_NAME } from '../common/product';
import { stateFolder } from '../gateway';
import { Holds } from '../holds';
import type { Config } from './config';
import type { Connection } from './connection';

/**
 * Pins, freezes and approvals of an entry; pins and approvals are shared by all entries of a Kong.
 * @throws Error where a freeze is malformed
 */
export const holdsOf = (config: Config, kong: Pick<Connection, 'facts' | 'prefix'>): Holds =>
  new Holds({
    freeze: config.freeze,
    needsApproval: config.mode === 'approve',
    path: kong.facts() === null ? null : holdsPath(kong.prefix),
  });

/** The pins of a Kong that cannot be asked. */
export const holdsIn = (prefix: string): Holds =>
  new Holds({ freeze: [], needsApproval: false, path: holdsPath(prefix) });

const holdsPath = (prefix: string) => join(stateFolder(prefix), `${PLUGIN_NAME}.holds`);
