import type { FaultTable } from '../fault';
import { ADMIN_FAULTS } from './admin-api';
import { DATABASE_FAULTS } from './database';
import { FILE_FAULTS } from './files';
import { KONG_FAULTS } from './kong';
import { REMOTE_FAULTS } from './remote';
import { WRITER_FAULTS } from './writers';

/** All faults by name. */
export const FAULTS: FaultTable = {
  ...FILE_FAULTS,
  ...REMOTE_FAULTS,
  ...ADMIN_FAULTS,
  ...KONG_FAULTS,
  ...DATABASE_FAULTS,
  ...WRITER_FAULTS,
};
