import type { JsonObject } from '../json';
import type { CustomCheck } from '../schema/checks';
import type { EntityCheck, Field, NamedField, RecordSchema } from '../schema/field';
import { wildcardHostProblem } from './hostname';
import { caProblem, certificateProblem, digestOf, haveSameKeyType, isPair, keyProblem } from './pem-checks';

/** A type of entity: a collection of the Admin API and a section of the declarative document. */
export interface EntityType extends RecordSchema {
  name: string;
  /** A second key that works in paths: `/snis/{name}`. */
  endpointKey: string | null;
  /** Field name → the type of entity it refers to by id. */
  foreign: Record<string, string>;
  /** Off: any field is accepted as it is; only defaults are filled in. */
  isValidated: boolean;
}

const id: NamedField = { id: { type: 'string', auto: true, uuid: true, len_min: 1 } };
const timestamp: Field = { type: 'integer', auto: true, timestamp: true };
const timestamps: NamedField[] = [{ created_at: timestamp }, { updated_at: timestamp }];
const tag: Field = { type: 'string', required: true, len_min: 1, custom_validator: tagProblem };
const tags: NamedField = { tags: { type: 'set', elements: tag } };
const host: Field = { type: 'string', required: true, len_min: 1, custom_validator: wildcardHostProblem };

function tagProblem(value: string): string | null {
  // eslint-disable-next-line no-control-regex -- printable ASCII without , and /, or anything beyond ASCII
  return /^[^\x00-\x1f\x7f,/]+$/.test(value)
    ? null
    : `invalid tag '${value}': expected printable ascii (except \`,\` and \`/\`) or valid utf-8 sequences`;
}

const certificate: Field = {
  type: 'string',
  len_min: 1,
  referenceable: true,
  custom_validator: certificateProblem,
};
const key: Field = { ...certificate, encrypted: true, custom_validator: keyProblem };

const text = (entity: JsonObject, field: string) => entity[field] as string;
const hasBoth = (entity: JsonObject, a: string, b: string) =>
  typeof entity[a] === 'string' && typeof entity[b] === 'string';

function pairCheck(certField: string, keyField: string, message: string): EntityCheck {
  const check: CustomCheck = {
    field_sources: [certField, keyField],
    fn: (entity) =>
      !hasBoth(entity, certField, keyField) || isPair(text(entity, certField), text(entity, keyField))
        ? null
        : message,
  };
  return { custom_entity_check: check };
}

const differentTypes: CustomCheck = {
  field_sources: ['cert', 'cert_alt'],
  fn: (entity) =>
    hasBoth(entity, 'cert', 'cert_alt') && haveSameKeyType(text(entity, 'cert'), text(entity, 'cert_alt'))
      ? 'certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), ' +
        'the provided certificates were both of the same type'
      : null,
};

const certificates: EntityType = {
  name: 'certificates',
  endpointKey: null,
  foreign: {},
  isValidated: true,
  fields: [
    id,
    ...timestamps,
    { cert: { ...certificate, required: true } },
    { key: { ...key, required: true } },
    { cert_alt: { ...certificate, required: false } },
    { key_alt: { ...key, required: false } },
    tags,
    { snis: { type: 'array', required: false, transient: true, elements: host } },
  ],
  entity_checks: [
    { mutually_required: ['cert_alt', 'key_alt'] },
    pairCheck('cert', 'key', 'certificate does not match key'),
    pairCheck('cert_alt', 'key_alt', 'alternative certificate does not match key'),
    { custom_entity_check: differentTypes },
  ],
};

const caCertificates: EntityType = {
  name: 'ca_certificates',
  endpointKey: null,
  foreign: {},
  isValidated: true,
  fields: [
    id,
    ...timestamps,
    { cert: { ...certificate, referenceable: false, required: true } },
    { cert_digest: { type: 'string', unique: true } },
    tags,
  ],
  onWrite: ({ cert }) => (typeof cert === 'string' ? { cert_digest: digestOf(cert) } : {}),
  entity_checks: [
    {
      custom_entity_check: {
        field_sources: ['cert'],
        fn: (entity: JsonObject) => caProblem(text(entity, 'cert')),
      } satisfies CustomCheck,
    },
  ],
};

const snis: EntityType = {
  name: 'snis',
  endpointKey: 'name',
  foreign: { certificate: 'certificates' },
  isValidated: true,
  fields: [
    id,
    { name: { ...host, unique: true } },
    ...timestamps,
    tags,
    { certificate: { type: 'foreign', reference: 'certificates', required: true } },
  ],
};

const PROTOCOLS = ['http', 'https', 'tcp', 'tls', 'udp', 'grpc', 'grpcs', 'tls_passthrough', 'ws', 'wss'];

/** Without `config`, which comes from the plugin's own schema. */
const plugins: EntityType = {
  name: 'plugins',
  endpointKey: 'instance_name',
  foreign: { route: 'routes', service: 'services', consumer: 'consumers' },
  isValidated: true,
  fields: [
    id,
    { name: { type: 'string', required: true } },
    { instance_name: { type: 'string', unique: true } },
    ...timestamps,
    { route: { type: 'foreign', reference: 'routes' } },
    { service: { type: 'foreign', reference: 'services' } },
    { consumer: { type: 'foreign', reference: 'consumers' } },
    {
      protocols: {
        type: 'set',
        required: true,
        default: ['grpc', 'grpcs', 'http', 'https'],
        elements: { type: 'string', one_of: PROTOCOLS },
      },
    },
    { enabled: { type: 'boolean', required: true, default: true } },
    tags,
  ],
};

/** An entity type that this stand-in only keeps: the given defaults, and null for the names without one. */
function kept(
  name: string,
  endpointKey: string | null,
  defaults: JsonObject,
  foreign: Record<string, string> = {},
): EntityType {
  // The type of a field is never looked at without validation, but arrays have to stay as they are.
  const fields = Object.entries(defaults).map(([field, value]): NamedField => ({
    [field]: { type: 'string', ...(value === null ? {} : { default: value }) },
  }));
  const unique = endpointKey === null ? [] : [{ [endpointKey]: { type: 'string', unique: true } as const }];
  return {
    name,
    endpointKey,
    foreign,
    isValidated: false,
    fields: [id, ...timestamps, ...unique, ...fields, tags],
  };
}

const services = kept(
  'services',
  'name',
  {
    protocol: 'http',
    host: null,
    port: 80,
    path: null,
    retries: 5,
    connect_timeout: 60000,
    read_timeout: 60000,
    write_timeout: 60000,
    enabled: true,
    tls_verify: null,
    tls_verify_depth: null,
    ca_certificates: null,
    client_certificate: null,
  },
  { client_certificate: 'certificates' },
);

const routes = kept(
  'routes',
  'name',
  {
    protocols: ['http', 'https'],
    hosts: null,
    paths: null,
    methods: null,
    headers: null,
    snis: null,
    sources: null,
    destinations: null,
    path_handling: 'v0',
    regex_priority: 0,
    strip_path: true,
    preserve_host: false,
    request_buffering: true,
    response_buffering: true,
    https_redirect_status_code: 426,
    service: null,
  },
  { service: 'services' },
);

/** In the order in which `GET /config` exports them: what is referred to comes first. */
export const ENTITY_TYPES: readonly EntityType[] = [
  kept('consumer_groups', 'name', {}),
  kept('vaults', 'prefix', { name: null, description: null, config: null }),
  caCertificates,
  certificates,
  kept(
    'upstreams',
    'name',
    { algorithm: 'round-robin', slots: 10000, hash_on: 'none', client_certificate: null },
    { client_certificate: 'certificates' },
  ),
  kept('targets', null, { target: null, weight: 100 }, { upstream: 'upstreams' }),
  services,
  routes,
  kept('consumers', 'username', { custom_id: null }),
  plugins,
  snis,
];

const byName = new Map(ENTITY_TYPES.map((type) => [type.name, type]));

export function entityType(name: string): EntityType | undefined {
  return byName.get(name);
}

/** Types that may stand nested in a declarative document: parent type → child type → the child's field. */
export const NESTED: Record<string, Record<string, string>> = {
  certificates: { snis: 'certificate' },
  services: { routes: 'service', plugins: 'service' },
  routes: { plugins: 'route' },
  consumers: { plugins: 'consumer' },
  upstreams: { targets: 'upstream' },
};
