import type { FaultTable } from '../fault';
import { ADMIN_FAULTS } from './admin-api';
import { FILE_FAULTS } from './files';
import { KONG_FAULTS } from './kong';
import { WRITER_FAULTS } from './writers';

/** All faults by name. */
export const FAULTS: FaultTable = { ...FILE_FAULTS, ...ADMIN_FAULTS, ...KONG_FAULTS, ...WRITER_FAULTS };
