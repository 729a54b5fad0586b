import { ALERTS } from '../alerts/fields';
import { complete, type NamedField, type Values } from '../config';
import { DEFAULT_CERTIFICATE, NODE_CERTIFICATES } from '../default-certificate/fields';
import { ADMIN } from '../gateway/fields';
import { HISTORY } from '../history/fields';
import { FREEZE } from '../holds/fields';
import { LEADER_ELECTION } from '../leadership/fields';
import { PASS_FIELDS } from '../pass/fields';
import { PLAN_FIELDS } from '../plan/fields';
import { LOG } from '../report/fields';
import { SOURCES } from '../sources/registry';
import { STATUS } from '../status/fields';
import { VERIFY } from '../verify/fields';
import { WRITE_BACK_FIELDS } from '../write-back/fields';

/**
 * The plugin's configuration, in one place: Kong's schema is this list, and the defaults and the type follow from
 * it. Each field stands in the room of its feature.
 */
export const FIELDS = [
  ...PASS_FIELDS,
  ...PLAN_FIELDS,
  SOURCES,
  LEADER_ELECTION,
  DEFAULT_CERTIFICATE,
  NODE_CERTIFICATES,
  ...WRITE_BACK_FIELDS,
  VERIFY,
  STATUS,
  ADMIN,
  ...ALERTS,
  LOG,
  HISTORY,
  FREEZE,
] as const satisfies readonly NamedField[];

/** The plugin's `config`, with every default filled in. Names are Kong's: snake_case, seconds. */
export type Config = Values<typeof FIELDS>;

/**
 * Checks a configuration and fills in the defaults. Kong has done so for what comes from its Admin API (by the
 * same fields); what comes from a file was not checked yet.
 * @throws ConfigError with everything that is wrong
 */
export const completeConfig = (given: unknown): Config => complete(FIELDS, given);
