/** Prefix of every metric; public. */
export const PREFIX = 'kong_ssl_cert_reloader_';

interface MetricFacts {
  type: 'gauge' | 'counter' | 'histogram';
  help: string;
  /** Every label that a sample may have. */
  labels: readonly string[];
}

const OF_CERTIFICATE = ['source', 'certificate_id', 'half'];

const gauge = (help: string, ...labels: string[]): MetricFacts => ({ type: 'gauge', help, labels });
const counter = (help: string, ...labels: string[]): MetricFacts => ({ type: 'counter', help, labels });
const histogram = (help: string): MetricFacts => ({ type: 'histogram', help, labels: ['le'] });

/** All metrics, in the order of the output. Names, labels and their values are public (docs/metrics.md). */
export const METRICS = {
  build_info: gauge('1, with the version of the plugin and of Node.js.', 'version', 'node_version'),
  status_info: gauge('1, with the address of the page and the runbooks, where status.url is set.', 'url'),
  configuration_error: gauge(
    '1 while the newer configuration cannot be used and the previous one stays in use.',
  ),
  kong_up: gauge("Whether Kong's Admin API answers."),
  knowledge_timestamp_seconds: gauge('Time of the data about certificates and sources.', 'entry'),
  knowledge_current: gauge(
    '1 if the last pass reached Kong and the sources, 0 if the last known data is shown.',
    'entry',
  ),
  certificate_not_after_timestamp_seconds: gauge(
    'Expiry of the leaf that the source has, Kong stores, or Kong serves.',
    ...OF_CERTIFICATE,
    'origin',
  ),
  certificate_trouble_since_timestamp_seconds: gauge(
    'Since when a certificate is refused, pending, not served or unproven, or a bundle is kept out of Kong.',
    ...OF_CERTIFICATE,
    'state',
    'reason',
    'snis',
    'location',
  ),
  certificate_info: gauge(
    '1, with what Kong stores.',
    ...OF_CERTIFICATE,
    'fingerprint_sha256',
    'serial',
    'owner',
    'snis',
    'location',
  ),
  certificate_in_sync: gauge(
    '1 if source, stored and served agree, 0 if they differ; absent if that is not known.',
    ...OF_CERTIFICATE,
  ),
  certificate_renewal_due_timestamp_seconds: gauge(
    'Time when a newer leaf is due: the one of cert-manager, else after 2/3 of the life of the newest leaf.',
    ...OF_CERTIFICATE,
  ),
  certificate_warning_timestamp_seconds: gauge(
    'Times from which the renewal is late, the served certificate ends soon, and is critical.',
    ...OF_CERTIFICATE,
    'level',
  ),
  certificates: gauge('Certificates and bundles by their state.', 'state'),
  certificate_lives: gauge('Certificates in Kong by how much of their life is left.', 'level'),
  default_certificate_in_sync: gauge(
    '1 if clients without SNI get the certificate in this file of ssl_cert, 0 until Kong is reloaded.',
    'location',
  ),
  default_certificate_not_after_timestamp_seconds: gauge(
    'Expiry of the leaf in the file, or of the one that clients without SNI get instead.',
    'location',
    'origin',
  ),
  default_certificate_warning_timestamp_seconds: gauge(
    'Times from which the certificate for clients without SNI ends soon, and is critical.',
    'location',
    'level',
  ),
  node_certificate_in_sync: gauge(
    '1 if Kong has read the certificates that its configuration names for itself, 0 until it is reloaded.',
    'location',
    'uses',
  ),
  node_certificate_not_after_timestamp_seconds: gauge(
    "Expiry of the leaf of Kong's own certificate in the file, or of the one that its listener shows.",
    'location',
    'uses',
    'origin',
  ),
  node_certificate_warning_timestamp_seconds: gauge(
    "Times from which Kong's own certificate ends soon, and is critical.",
    'location',
    'uses',
    'level',
  ),
  source_up: gauge('Whether the source could be read completely.', 'source'),
  source_bundles: gauge('Bundles that the source holds.', 'source'),
  source_errors_total: counter('New problems of sources, by reason.', 'reason'),
  rejected_total: counter('Bundles that were refused, by reason; each once until it changes.', 'reason'),
  swaps_total: counter('Writes of certificates to Kong, by result.', 'result'),
  rollbacks_total: counter('Certificates that were written, not served, and rolled back.'),
  takeovers_total: counter('Certificates that the ingress controller did not renew within takeover_grace.'),
  swap_duration_seconds: histogram('Time from the decision to write until the handshakes were done.'),
  propagation_seconds: histogram('Time from the write until every worker served the certificate.'),
  leader: gauge('1 if this gateway writes, 0 if another one does or nobody.', 'entry'),
  last_poll_timestamp_seconds: gauge('End of the last pass that succeeded.', 'entry'),
  last_poll_duration_seconds: gauge('Duration of the last pass.', 'entry'),
  poll_interval_seconds: gauge('Configured seconds between polls.', 'entry'),
  admin_requests_total: counter(
    'Requests to the Admin API by method and status code; 0 if there was no answer.',
    'method',
    'code',
  ),
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof METRICS;
