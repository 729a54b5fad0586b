import type { ProbeSchema } from './plugin-dump';
import { readRecording } from './recording';
import type { Replay } from './replay';

/** One recorded exchange, in a sentence; `given` brings about what the recording found. */
export interface Step {
  sentence: string;
  recording: string;
  given?: (replay: Replay) => Promise<unknown>;
  /** Depends on random ids: only the status and the number of items are compared. */
  isPage?: boolean;
}

export interface Scenario {
  title: string;
  mode: 'dbless' | 'database';
  /** The schema that the plugin `ssl-probe` must have. */
  probe: ProbeSchema;
  /** Only right after a start with nothing configured. */
  needsFreshGateway?: boolean;
  /** Kong starts the plugin server itself. */
  isManaged?: boolean;
  steps: readonly Step[];
}

const step = (
  sentence: string,
  recording: string,
  extra: Omit<Step, 'sentence' | 'recording'> = {},
): Step => ({
  sentence,
  recording,
  ...extra,
});

/** Posts the entity that a recorded answer shows. */
const postDocument = (document: () => object) => (replay: Replay) =>
  replay.put('POST', '/config', { _format_version: '3.0', ...document() });

function recordedCertificate(recording: string): Record<string, unknown> {
  const body = readRecording(recording).response.body as Record<string, unknown>;
  const [first] = (body['data'] ?? [body]) as Record<string, unknown>[];
  const { cert, key, tags, snis } = first ?? {};
  return { cert, key, tags, snis };
}

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'a gateway without a database and without a configuration',
    mode: 'dbless',
    probe: 'short',
    needsFreshGateway: true,
    steps: [
      step('shows a hash of zeros', 'dbless-status-initial'),
      step('lists no certificates', 'dbless-certs-empty'),
      step('exports an empty configuration', 'dbless-get-config-empty'),
    ],
  },
  {
    title: 'writes of single entities without a database',
    mode: 'dbless',
    probe: 'short',
    steps: [
      step('POST of a certificate is not supported', 'dbless-post-cert'),
      step('PUT of a certificate is not supported', 'dbless-put-cert'),
      step('PATCH of a certificate that is not there finds nothing', 'dbless-patch-cert'),
      step('POST of a plugin is not supported', 'dbless-post-plugin'),
      step('PUT of the configuration is no method', 'dbless-put-config'),
      step('PATCH of the configuration is no method', 'dbless-patch-config'),
    ],
  },
  {
    title: 'POST /config',
    mode: 'dbless',
    probe: 'short',
    steps: [
      step('takes a document as JSON', 'dbless-post-config-json-doc'),
      step('shows another hash then', 'dbless-status-after'),
      step('takes the document again with check_hash', 'dbless-post-config-hash-1'),
      step('has no hash to compare for a document as JSON', 'dbless-post-config-hash-2-same'),
      step('takes a changed document', 'dbless-post-config-hash-3-changed'),
      step('takes the same document without check_hash', 'dbless-post-config-same-nocheck'),
      step('GET exports SNIs both nested and at top level', 'dbless-get-config-roundtrip'),
      step('refuses its own export because of them', 'dbless-post-roundtrip'),
      step('refuses its own export with check_hash too', 'dbless-post-roundtrip-hash'),
      step('takes YAML within JSON', 'dbless-post-config-yaml-in-json'),
      step('takes YAML as it is', 'dbless-post-config-raw-yaml2'),
      step('takes a form', 'dbless-post-config-form'),
      step('takes an uploaded file', 'dbless-post-config-multipart'),
      step('takes a document with nothing but a comment', 'dbless-meta-comment'),
      step('takes an expired certificate', 'dbless-expired'),
    ],
  },
  {
    title: 'check_hash',
    mode: 'dbless',
    probe: 'short',
    steps: [
      step('takes a text that is new', 'dbless-hash-yaml-1'),
      step('answers 304 to the same text', 'dbless-hash-yaml-2-same'),
      step('answers 304 to the same text sent as YAML', 'dbless-hash-yaml-3-raw-same'),
      step('refuses SNIs that stand both nested and at top level', 'dbless-nested-snis-roundtrip-stripped'),
      step('takes JSON as a text', 'dbless-hash-json-string-1'),
      step('answers 304 to the same JSON as a text', 'dbless-hash-json-string-2'),
      step('takes SNIs at top level', 'dbless-top-snis'),
      step('exports such SNIs once', 'dbless-top-snis-get'),
    ],
  },
  {
    title: 'a refused POST /config',
    mode: 'dbless',
    probe: 'short',
    steps: [
      step('that is no JSON', 'dbless-err-bad-json'),
      step('without a body', 'dbless-err-no-body'),
      step('with an empty document', 'dbless-err-empty'),
      step('without a version', 'dbless-err-no-version'),
      step('with a plugin that is not enabled', 'dbless-err-unknown-plugin'),
      step('with one SNI twice', 'dbless-err-dup-sni'),
      step('with something that is no PEM', 'dbless-err-pem'),
      step('with something that is no PEM, errors as a list', 'dbless-err-pem-flat'),
      step('with a key that does not match, errors as a list', 'dbless-err-mismatch-flat'),
      step('over the size limit', 'dbless-413'),
    ],
  },
  {
    title: 'reading without a database',
    mode: 'dbless',
    probe: 'short',
    steps: [
      step('lists certificates with their names', 'dbless-get-certs', {
        given: postDocument(() => {
          const { cert, key } = recordedCertificate('dbless-get-certs');
          return { certificates: [{ cert, key, snis: [{ name: 'a.example.test' }] }] };
        }),
      }),
      step('finds a certificate by a name', 'dbless-get-cert-by-sni'),
      step('exports a plugin', 'dbless-get-config', {
        given: postDocument(() => ({ plugins: [{ name: 'ssl-probe', config: { interval: 77 } }] })),
      }),
      step('lists plugins', 'dbless-plugins'),
      step('ignores the name when listing plugins', 'dbless-plugins-name'),
      step('finds a plugin by its derived id', 'dbless-plugin-get'),
      step('lists the enabled plugins', 'dbless-plugins-enabled'),
      step('shows the schema of a plugin', 'dbless-schema-plugin'),
      step('shows the status', 'dbless-status'),
    ],
  },
  {
    title: 'a gateway that manages a plugin server',
    mode: 'dbless',
    probe: 'short',
    needsFreshGateway: true,
    isManaged: true,
    steps: [step('fails on its root document', 'dbless-root')],
  },
  {
    title: 'certificates in a database',
    mode: 'database',
    probe: 'full',
    steps: [
      step('lists none at first', 'pg-certs-empty'),
      step('PATCH by a name that is not there finds nothing', 'pg-patch-by-sni'),
      step('PUT makes one, with 200', 'pg-put-cert-201'),
      step('PUT again replaces its names', 'pg-put-cert-again'),
      step('GET by id shows it, key included', 'pg-get-cert'),
      step('GET by name shows it', 'pg-get-cert-by-sni'),
      step('its names can be listed', 'pg-get-cert-snis'),
      step('all names can be listed', 'pg-get-snis'),
      step('all certificates can be listed', 'pg-get-certs'),
      step('an unknown id is not found', 'pg-get-unknown-id'),
      step('an unknown name is not found', 'pg-get-unknown-sni'),
      step('PATCH of an unknown id finds nothing', 'pg-patch-unknown-id'),
      step('a certificate needs a key', 'pg-no-key'),
      step('broken PEM is refused', 'pg-patch-bad-pem'),
      step('text that is no PEM is refused', 'pg-patch-not-pem'),
      step('empty text is refused', 'pg-patch-empty-cert'),
      step('a key that does not match is refused', 'pg-patch-key-mismatch'),
      step('an unknown field is refused', 'pg-patch-unknown-field'),
      step('tags with a comma or a slash are refused', 'pg-bad-tags'),
      step('a name with a blank is refused', 'pg-bad-sni'),
      step('an alternative certificate needs a key', 'pg-alt-cert-without-key'),
      step('a body without a content type is refused by nginx', 'pg-no-content-type'),
      step('broken JSON is refused', 'pg-bad-json'),
      step('POST makes one', 'pg-post-cert-201'),
      step('POST with a name of another certificate is refused', 'pg-post-cert-dup-sni'),
      step('PUT with a name of another certificate is refused', 'pg-put-cert-dup-sni'),
      step('a name that the certificate does not cover is taken', 'pg-sni-not-in-cert'),
      step('an expired certificate is taken', 'pg-expired-cert'),
      step('a leaf without its chain is taken', 'pg-leaf-only'),
      step('vault references are taken', 'pg-vault-ref-key'),
      step('RSA with an ECDSA twin is taken', 'pg-rsa-plus-ecdsa-alt'),
      step('ECDSA with an RSA twin is taken', 'pg-ecdsa-plus-rsa-alt'),
      step('PUT by an unknown name makes a certificate without that name', 'pg-put-by-sni-new'),
      step('PATCH adds a name', 'pg-patch-snis', {
        given: (replay) =>
          replay.put('PUT', '/certificates/11111111-1111-4111-8111-111111111111', {
            ...recordedCertificate('pg-patch-snis'),
            snis: ['a.example.test'],
          }),
      }),
      step('PATCH takes a name away', 'pg-patch-snis-back'),
      step('a page has up to 1000', 'pg-size-1000'),
      step('a first page links to the second', 'pg-page1', { isPage: true }),
      step('a second page links to the third', 'pg-page2', { isPage: true }),
      step('HEAD answers without a body', 'pg-head'),
      step('OPTIONS names the methods', 'pg-options'),
      step('DELETE of all is no method', 'pg-delete-collection'),
      step('DELETE removes one', 'pg-delete'),
    ],
  },
  {
    title: 'the rest of the Admin API with a database',
    mode: 'database',
    probe: 'full',
    steps: [
      step('validates a certificate without storing it', 'pg-validate-ok'),
      step('shows the schema of certificates', 'pg-schema-certificates'),
      step('shows the status', 'pg-status'),
      step('POST to the status is no method', 'pg-post-bad-method'),
      step('an unknown path is not found', 'pg-kong-info-404'),
    ],
  },
  {
    title: 'changes of a plugin',
    mode: 'database',
    probe: 'short',
    steps: [
      step('POST makes one, defaults filled in', 'pg-post-plugin'),
      step('PATCH changes its config', 'pg-patch-plugin'),
      step('PATCH changes its tags only', 'pg-patch-plugin-tags-only'),
      step('PATCH disables it', 'pg-patch-plugin-disable'),
      step('DELETE removes it', 'pg-delete-plugin'),
    ],
  },
  {
    title: 'checks of a plugin',
    mode: 'database',
    probe: 'full',
    steps: [
      step('name every problem of the config', 'pg-plugin-bad-types'),
      step('name what is missing', 'pg-plugin-missing-required'),
      step('refuse a plugin that is not enabled', 'pg-plugin-not-enabled'),
      step('take a good config, nested defaults filled in', 'pg-plugin-ok'),
      step('GET by id shows it', 'pg-plugin-get'),
      step('GET by instance name shows it', 'pg-plugin-get-by-instance-name'),
      step('the list ignores a name', 'pg-plugins-name'),
      step('the list ignores a name that is not there', 'pg-plugins-name-zzz'),
      step('the list follows a tag', 'pg-plugins-tag'),
      step('an unknown id is not found', 'pg-plugin-get-404'),
      step('the enabled plugins can be listed', 'pg-plugins-enabled'),
      step('PUT replaces everything', 'pg-plugin-put'),
      step('DELETE removes it', 'pg-plugin-delete'),
      step('DELETE again is fine', 'pg-plugin-delete-again'),
      step('the schema can be read', 'pg-schema-plugin'),
      step('the schema can be read in the old place', 'pg-plugins-schema-legacy'),
    ],
  },
];
