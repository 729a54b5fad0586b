import type { SchemaFor } from '../declarative/check';
import type { Faults } from '../faults';
import { CertificateService } from './certificates';
import { addConfigEndpoint } from './config-endpoint';
import { addEntityEndpoints } from './entity-endpoints';
import type { EntityService } from './entity-service';
import { addNodeEndpoints, type NodeFacts } from './node-endpoints';
import { Router } from './router';
import { AdminServer, type LoggedRequest } from './server';

export interface AdminParts {
  entities: EntityService;
  schemaFor: SchemaFor;
  faults: Faults;
  node: NodeFacts;
  log: LoggedRequest[];
  maxBodyBytes: number;
}

/** The whole Admin API, not listening yet. */
export function makeAdmin({ entities, schemaFor, faults, node, log, maxBodyBytes }: AdminParts): AdminServer {
  const router = new Router();
  addNodeEndpoints(router, entities, node);
  addConfigEndpoint(router, { mode: entities.mode, store: entities.store, schemaFor });
  addEntityEndpoints(router, entities, new CertificateService(entities));
  return new AdminServer({ router, faults, log, maxBodyBytes });
}
