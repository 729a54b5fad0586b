import { ENTITY_TYPES, NESTED } from '../entities/definitions';
import type { Row } from '../entities/rows';
import { isObject } from '../json';
import { plain } from '../refusal';
import type { CertificateService } from './certificates';
import type { EntityService } from './entity-service';
import type { Answer } from './exchange';
import { page } from './paging';
import type { Router } from './router';

/** `/services`, `/services/{name or id}`, `/services/{name or id}/routes` and so on, for every entity type. */
export function addEntityEndpoints(
  router: Router,
  entities: EntityService,
  certificates: CertificateService,
): void {
  const present = (name: string) => (name === 'certificates' ? certificates.present : (row: Row) => row);
  const ok = (row: Row): Answer => ({ status: 200, body: row });

  for (const { name } of ENTITY_TYPES) {
    const service = name === 'certificates' ? certificates : collection(entities, name);
    router
      .add(`/${name}`, {
        GET: ({ query }) =>
          page({ table: entities.store.table(name), path: `/${name}`, query, present: present(name) }),
        POST: ({ body }) => ({ status: 201, body: service.insert(body) }),
      })
      .add(`/${name}/:`, {
        GET: (_, key = '') => ok(service.read(key)),
        PUT: ({ body }, key = '') => ok(service.upsert(key, body)),
        PATCH: ({ body }, key = '') => ok(service.update(key, body)),
        DELETE: (_, key = '') => {
          service.remove(key);
          return { status: 204 };
        },
      });
    for (const [child, field] of Object.entries(NESTED[name] ?? {})) {
      router.add(`/${name}/:/${child}`, {
        GET: ({ query, path }, key = '') => {
          const { id } = service.read(key);
          const wanted = (row: Row) => isObject(row[field]) && row[field]['id'] === id;
          return page({ table: entities.store.table(child), path, query, present: present(child), wanted });
        },
        POST: ({ body }, key = '') => {
          const { id } = service.read(key);
          return { status: 201, body: entities.insert(child, { ...body, [field]: { id } }) };
        },
      });
    }
  }
}

/** One entity type without peculiarities, behind the same methods as the certificates. */
function collection(entities: EntityService, name: string) {
  return {
    read: (key: string): Row => {
      const row = entities.find(name, key);
      if (row === undefined) throw plain(404, 'Not found');
      return row;
    },
    insert: entities.insert.bind(entities, name),
    upsert: entities.upsert.bind(entities, name),
    update: entities.update.bind(entities, name),
    remove: entities.remove.bind(entities, name),
  };
}
